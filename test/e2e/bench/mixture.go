package main

import (
	"math"
	"math/rand/v2"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// part of an upstream's answers, which takes a time of its own, in seconds.
type part struct {
	share    float64
	survival func(t float64) float64 // the probability that it takes longer than t
	sample   func(source *rand.Rand) float64
}

// mixture is an upstream whose answers take times of several kinds. None of them fails.
type mixture []part

// lognormal takes a time of that mean and standard deviation, in milliseconds, times a factor.
func lognormal(share, mean, deviation, factor float64) part {
	variance := math.Log(1 + deviation*deviation/mean/mean)
	mu, sigma := math.Log(mean/1000*factor)-variance/2, math.Sqrt(variance)
	return part{
		share: share,
		survival: func(t float64) float64 {
			if t <= 0 {
				return 1
			}
			return math.Erfc((math.Log(t)-mu)/sigma/math.Sqrt2) / 2
		},
		sample: func(source *rand.Rand) float64 { return math.Exp(mu + sigma*source.NormFloat64()) },
	}
}

// uniform takes between two times, in milliseconds.
func uniform(share, from, to float64) part {
	from, to = from/1000, to/1000
	return part{
		share:    share,
		survival: func(t float64) float64 { return min(1, max(0, (to-t)/(to-from))) },
		sample:   func(source *rand.Rand) float64 { return from + (to-from)*source.Float64() },
	}
}

// fixed takes one time, in milliseconds.
func fixed(share, time float64) part {
	time /= 1000
	return part{
		share: share,
		survival: func(t float64) float64 {
			if t < time {
				return 1
			}
			return 0
		},
		sample: func(*rand.Rand) float64 { return time },
	}
}

// survival is P(T > t) of one attempt.
func (m mixture) survival(t float64) float64 {
	sum := 0.0
	for _, p := range m {
		sum += p.share * p.survival(t)
	}
	return sum
}

// sample is how long the n-th answer takes. It depends on n alone.
func (m mixture) sample(n int64) time.Duration {
	source := rand.New(rand.NewPCG(2, uint64(n))) //nolint:gosec // any n is a seed
	which := source.Float64()
	for _, p := range m {
		if which -= p.share; which < 0 {
			return seconds(p.sample(source))
		}
	}
	return seconds(m[len(m)-1].sample(source))
}

// slower is the upstream with every time multiplied.
func (m mixture) slower(factor func() float64) instrument.Behaviour {
	return func(n int64) instrument.Reply {
		return instrument.Reply{After: time.Duration(factor() * float64(m.sample(n))), Text: success}
	}
}

func (m mixture) answer(n int64) instrument.Reply {
	return instrument.Reply{After: m.sample(n), Text: success}
}

// hedged is P(T > t) of a call whose other attempts leave after a delay, in seconds, all at once.
func (m mixture) hedged(delay float64, attempts int) func(t float64) float64 {
	return func(t float64) float64 {
		if t < delay {
			return m.survival(t)
		}
		return m.survival(t) * math.Pow(m.survival(t-delay), float64(attempts-1))
	}
}

// extra is how many requests such a call makes beyond its first.
func (m mixture) extra(delay float64, attempts int) float64 {
	return float64(attempts-1) * m.survival(delay)
}

// quantileOf is the time in seconds by which more than a share q of the calls has ended, by bisection, up to 20 s. That is the nearest
// rank of quantile: of times in two steps with a share q below, it is the upper one.
func quantileOf(survival func(t float64) float64, q float64) float64 {
	from, to := 0.0, 20.0
	for range 60 {
		if middle := (from + to) / 2; 1-survival(middle) < q+1e-9 {
			from = middle
		} else {
			to = middle
		}
	}
	return to
}

// The upstreams of the published tables.
var (
	// stragglers is bhope/hedge's: lognormal with a mean of 5 ms and a deviation of 2 ms, and one in twenty ten times as slow.
	stragglers = mixture{lognormal(0.95, 5, 2, 1), lognormal(0.05, 5, 2, 10)}
	// sleepers is that of gRPC-Java's hedging example: a tenth takes 2 s at least, half of that 5 s, and one in a hundred 10 s. Its other
	// answers come at once, here after a millisecond.
	sleepers = mixture{fixed(0.90, 1), fixed(0.05, 2000), fixed(0.04, 5000), fixed(0.01, 10_000)}
	// longTail has the p99.9 of The Tail at Scale without hedges, 1,800 ms. The article tells no more of its times. Here they are lognormal
	// with a mean of 20 ms and a deviation of 8 ms, but for one in fifty, which takes from 1 s to 1,842 ms.
	longTail = mixture{lognormal(0.98, 20, 8, 1), uniform(0.02, 1000, 1842)}
	// healthy is what becomes four times as slow.
	healthy = mixture{lognormal(1, 20, 8, 1)}
)
