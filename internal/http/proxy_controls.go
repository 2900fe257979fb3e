package http

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Our own fields of a caller's request. They never reach an API.
const (
	timeoutHeader  = "Hedgerow-Timeout"
	strategyHeader = "Hedgerow-Strategy"
)

// controlError says what is wrong with one of our own headers.
type controlError struct {
	header, problem, allowed string
}

func (e *controlError) Error() string {
	return fmt.Sprintf("header %s %s: give it once at most, %s", e.header, e.problem, e.allowed)
}

// parseTimeoutHeader returns the timeout that the header asks for, or the given one. The error is a *controlError.
func parseTimeoutHeader(values []string, otherwise, maximum time.Duration) (time.Duration, error) {
	if values == nil {
		return otherwise, nil
	}
	timeout, problem := parseMilliseconds(values, maximum)
	if problem != "" {
		allowed := fmt.Sprintf("in milliseconds, as decimal digits from 1 to %d", maximum.Milliseconds())
		return 0, &controlError{timeoutHeader, problem, allowed}
	}
	return timeout, nil
}

// parseStrategy returns the strategy that the header asks for, or the given one. The error is a *controlError.
func parseStrategy(values []string, otherwise string) (proxyStrategy, error) {
	name, problem := otherwise, ""
	switch {
	case len(values) > 1:
		problem = "is repeated"
	case len(values) == 1:
		name = values[0]
	}
	i := slices.IndexFunc(proxyStrategies, func(s proxyStrategy) bool { return s.name == name })
	if i < 0 {
		problem = "is not the name of a strategy"
	}
	if problem != "" {
		return proxyStrategy{}, &controlError{strategyHeader, problem, "one of " + strings.Join(Strategies(), ", ")}
	}
	return proxyStrategies[i], nil
}
