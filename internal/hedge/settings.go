package hedge

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Settings say when the hedges of calls go. They are not checked here.
type Settings struct {
	When

	// Min and Max bound a quantile, and nothing else. What is set stands before a default: Min 0 is 10 ms, or Max when that is less;
	// Max 0 is half of a call's timeout, or Min when that is set and more.
	Min, Max time.Duration
}

// DefaultMin is the shortest delay by a quantile when nothing is set.
const DefaultMin = 10 * time.Millisecond

// bounds are those of a quantile for a call with a timeout.
func (s *Settings) bounds(timeout time.Duration) (lower, upper time.Duration) {
	lower, upper = s.Min, s.Max
	if upper == 0 {
		upper = max(timeout/2, lower)
	}
	if lower == 0 {
		lower = min(DefaultMin, upper)
	}
	return lower, upper
}

// When says when the hedges of a call go: after a fixed time or after a quantile of how long attempts take.
type When struct {
	// Delay is the fixed time. It is used when Quantile is 0.
	Delay    time.Duration
	Quantile Quantile
}

// String is the text that stands for it in settings.
func (w When) String() string {
	if w.Quantile == 0 {
		return w.Delay.String()
	}
	return w.Quantile.String()
}

// Quantile is a share of all attempts, in thousandths: 950 stands for the time that 95 % of them do not exceed.
type Quantile int

// everything is the share of all attempts.
const everything = 1000

// String is the text that stands for it in settings: p95, or p99.9.
func (q Quantile) String() string { return "p" + strconv.FormatFloat(float64(q)/10, 'f', -1, 64) }

var quantileText = regexp.MustCompile(`^p([5-9][0-9])(?:\.([0-9]))?$`)

// ParseQuantile parses p50 to p99.9. The error can stand behind the text.
func ParseQuantile(text string) (Quantile, error) {
	digits := quantileText.FindStringSubmatch(text)
	if digits == nil {
		return 0, errors.New("is not a quantile: expected one from p50 to p99.9")
	}
	thousandths, err := strconv.Atoi(digits[1] + (digits[2] + "0")[:1])
	return Quantile(thousandths), err
}

// IsQuantile tells whether a text is meant to be a quantile.
func IsQuantile(text string) bool { return strings.HasPrefix(text, "p") }

// Budget is how many hedges a call pays for: 0.1 is one for ten calls. 0: hedges are not bounded.
type Budget float64

// String is the text that stands for it in settings: 10%, or off.
func (b Budget) String() string {
	if b == 0 {
		return "off"
	}
	percent := math.Round(float64(b)*100*1e4) / 1e4 // 0.07 × 100 is a little more than 7 in binary
	return strconv.FormatFloat(percent, 'f', -1, 64) + "%"
}

var budgetText = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,4})?%$`)

// ParseBudget parses a percentage over 0% and up to 100%, or off. The error can stand behind the text.
func ParseBudget(text string) (Budget, error) {
	if text == "off" {
		return 0, nil
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if !budgetText.MatchString(text) || err != nil || percent <= 0 || percent > 100 {
		return 0, errors.New("is not a budget: expected a percentage over 0% and up to 100%, such as 10%, or off")
	}
	return Budget(percent / 100), nil
}
