package http

import (
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// timeoutError says what is wrong with the parameter timeout of a call.
type timeoutError struct {
	problem string
	max     time.Duration
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("query parameter timeout %s: give it once, in milliseconds, as decimal digits from 1 to %d",
		e.problem, e.max.Milliseconds())
}

// parseTimeout returns the timeout of a call from its raw query. gin's own query functions would hide a query that does not parse
// and a parameter that is repeated. The error is a *timeoutError.
func parseTimeout(rawQuery string, maximum time.Duration) (time.Duration, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return 0, &timeoutError{"stands in a query that does not parse", maximum}
	}
	values := query["timeout"]
	if len(values) == 0 {
		return 0, &timeoutError{"is missing", maximum}
	}
	timeout, problem := parseMilliseconds(values, maximum)
	if problem != "" {
		return 0, &timeoutError{problem, maximum}
	}
	return timeout, nil
}

// parseMilliseconds reads what must be given once, as decimal digits from 1 to the maximum. Otherwise it returns the problem in words.
func parseMilliseconds(values []string, maximum time.Duration) (d time.Duration, problem string) {
	switch {
	case len(values) > 1:
		return 0, "is repeated"
	case values[0] == "":
		return 0, "is empty"
	}
	for _, char := range []byte(values[0]) {
		if char < '0' || char > '9' {
			return 0, "is not a whole number"
		}
	}
	ms, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || ms < 1 || ms > maximum.Milliseconds() {
		return 0, "is out of range"
	}
	return time.Duration(ms) * time.Millisecond, ""
}
