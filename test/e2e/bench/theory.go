package main

import (
	"math"
	"math/rand/v2"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// The upstream of the latency targets takes a time that is uniform between low and high. A share of its answers are failures, which
// take as long.
const (
	low      = 0.100 // seconds
	high     = 0.600
	failures = 0.15
	hedge    = 0.300
)

// attemptSurvival is the probability that one attempt has not succeeded by t seconds after it was sent.
func attemptSurvival(t float64) float64 {
	switch {
	case t <= low:
		return 1
	case t >= high:
		return failures
	}
	return 1 - (1-failures)*(t-low)/(high-low)
}

// firstSurvival is P(T > t) of first: none of the three has succeeded by t.
func firstSurvival(t float64) float64 { return math.Pow(attemptSurvival(t), 3) }

// firstEnding is P(call has not ended by t): no success, and not all failed.
func firstEnding(t float64) float64 {
	failed := 0.0
	if t > low {
		failed = failures * min(1, (t-low)/(high-low))
	}
	return firstSurvival(t) - failed*failed*failed
}

// allSurvival is P(T > t) of all: one of three has not ended by t. Whether it succeeds does not depend on when it ends.
func allSurvival(t float64) float64 {
	return 1 - math.Pow(min(1, max(0, t-low)/(high-low)), 3)
}

// smartSurvival is P(T > t) of smart: neither the first attempt nor the two hedges have succeeded by t. The hedges leave at the
// first attempt's failure at x, or at the hedge delay, whichever comes first.
func smartSurvival(t float64) float64 {
	density := failures / (high - low) // of the first attempt failing at x
	// The first attempt fails at x before the hedge delay, and before t: both hedges have been running since x.
	const steps = 2000
	upper := min(t, hedge)
	failedEarly := 0.0
	for i := range steps {
		x := low + (float64(i)+0.5)*(upper-low)/steps
		if upper > low {
			failedEarly += density * (upper - low) / steps * math.Pow(attemptSurvival(t-x), 2)
		}
	}
	failedBy := max(0, min(upper, high)-low) * density
	// Otherwise the first attempt is unfinished at min(t, hedge), or fails later, and the hedges have been running since hedge.
	return failedEarly + (attemptSurvival(t)-failedBy)*math.Pow(attemptSurvival(t-hedge), 2)
}

// requestsPerCall of smart: the hedges leave unless the first attempt has succeeded within the hedge delay.
func requestsPerCall() float64 { return 1 + 2*attemptSurvival(hedge) }

// theory are the figures of a survival function among the calls that succeed at all.
type theory struct {
	survival func(float64) float64
	fails    float64 // share of calls without any success
}

func newTheory(survival func(float64) float64) theory { return theory{survival, survival(2)} }

// cdf is the share of the successful calls that have been answered by d.
func (th theory) cdf(d time.Duration) float64 {
	return (1 - th.survival(d.Seconds())) / (1 - th.fails)
}

// quantile of the successful calls, by bisection.
func (th theory) quantile(q float64) time.Duration {
	from, to := 0.0, 2.0
	for range 60 {
		if middle := (from + to) / 2; (1-th.survival(middle))/(1-th.fails) < q {
			from = middle
		} else {
			to = middle
		}
	}
	return time.Duration(from * float64(time.Second))
}

// mean time of a call, failures included: they end when the last attempt does, which the survival function of the ending gives.
func mean(survival func(float64) float64) time.Duration {
	sum := 0.0
	const step = 0.0005
	for t := 0.0; t < 2; t += step {
		sum += survival(t+step/2) * step
	}
	return time.Duration(sum * float64(time.Second))
}

func seconds(t float64) time.Duration { return time.Duration(t * float64(time.Second)) }

// kolmogorovSmirnov is the largest distance between the measured distribution and the theory's.
func kolmogorovSmirnov(sorted []time.Duration, th theory) float64 {
	largest := 0.0
	n := float64(len(sorted))
	for i, d := range sorted {
		f := th.cdf(d)
		largest = max(largest, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
	}
	return largest
}

// random is an upstream with theory's distribution. What it does to the n-th request depends on n alone.
func random(n int64) instrument.Reply {
	source := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // any n is a seed
	reply := instrument.Reply{After: seconds(low + (high-low)*source.Float64()), Text: success}
	if source.Float64() < failures {
		reply.Text = failure
	}
	return reply
}

var success, failure = instrument.Message("200 OK", `{"time": 1}`), instrument.Message("500 Internal Server Error", `{}`)
