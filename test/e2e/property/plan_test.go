// Package property tries the fan-out engine on random plans, in fake time, against a model of what it promises.
//
//	cd test/e2e && go test ./property -rapid.checks=200000 -timeout=30m
//
// A failure prints the smallest plan found that shows it, and the seed to see it again with: -rapid.seed.
package property

import (
	"time"

	"pgregory.net/rapid"

	"hedgerow/internal/fanout"
)

const (
	maxCalls     = 3
	maxProducers = 5

	ms    = time.Millisecond
	tick  = time.Nanosecond // a timer fires this much past its time, see fanout
	never = 24 * time.Hour

	// Timeouts are so short here that their quarter does not count: a call may always wait for so long.
	longestWait = 100 * ms

	// Calls begin on different nanoseconds of a millisecond, so that nothing of one ever happens together with anything of
	// another.
	stagger = 10 * time.Nanosecond
)

type ending string

const (
	succeeds ending = "succeeds"
	fails    ending = "fails"
	panics   ending = "panics"
	exits    ending = "exits its goroutine"
)

// attemptPlan is what one attempt does when nobody cancels it.
type attemptPlan struct {
	After  time.Duration
	Ending ending
	// Deaf attempts go on when they are cancelled.
	Deaf bool
}

// callPlan is one call. Times are since the call began.
type callPlan struct {
	Strategy string
	Begins   time.Duration // since the plan began
	Waited   time.Duration // before it began
	Timeout  time.Duration // what is left of it after that
	Leaves   time.Duration // when the caller goes away; 0 is before the call
	Attempts [maxProducers]attemptPlan
}

// plan is what happens to one service.
type plan struct {
	Producers   int
	HedgeDelay  time.Duration
	Grace       time.Duration
	MaxInFlight int
	Calls       []callPlan
}

var strategies = map[string]fanout.Strategy[int]{
	"all": fanout.All[int], "first": fanout.First[int], "within-timeout": fanout.WithinTimeout[int], "smart": fanout.Smart[int],
}

// drawPlan favours what comes together: ties of attempts with each other, the deadline, the hedge delay, the end of the grace.
func drawPlan(t *rapid.T) plan {
	p := plan{
		Producers:  rapid.IntRange(1, maxProducers).Draw(t, "producers"),
		HedgeDelay: milliseconds(t, "hedge delay", 12),
		Grace:      milliseconds(t, "grace", 8),
	}
	p.MaxInFlight = rapid.OneOf(rapid.Just(1000), rapid.IntRange(1, 2*p.Producers)).Draw(t, "cap")
	for i := range rapid.IntRange(1, maxCalls).Draw(t, "calls") {
		p.Calls = append(p.Calls, p.drawCall(t, i))
	}
	return p
}

func (p plan) drawCall(t *rapid.T, number int) callPlan {
	c := callPlan{
		Strategy: rapid.SampledFrom([]string{"all", "first", "within-timeout", "smart"}).Draw(t, "strategy"),
		Begins:   milliseconds(t, "begins", 10) + time.Duration(number)*stagger,
		Waited:   rapid.OneOf(rapid.Just[time.Duration](0), rapid.SampledFrom([]time.Duration{0, 16 * ms, longestWait, longestWait + 1, never})).Draw(t, "waited"),
		Timeout:  rapid.OneOf(rapid.Just(p.HedgeDelay), durations(0, 16)).Draw(t, "timeout"),
	}
	telling := []time.Duration{
		0, never, c.Timeout, c.Timeout + tick, p.HedgeDelay, p.HedgeDelay + tick, c.Timeout + p.Grace, c.Timeout + tick + p.Grace,
		max(0, c.Timeout-p.HedgeDelay), // a hedge that ends at the deadline
	}
	moments := rapid.OneOf(rapid.SampledFrom(telling), durations(0, 20), durations(1, 4))
	c.Leaves = rapid.OneOf(rapid.Just(never), rapid.Just(never), moments).Draw(t, "leaves")
	for i := range p.Producers {
		c.Attempts[i] = attemptPlan{
			After:  moments.Draw(t, "after"),
			Ending: rapid.SampledFrom([]ending{succeeds, succeeds, succeeds, fails, fails, panics, exits}).Draw(t, "ending"),
			Deaf:   rapid.IntRange(0, 7).Draw(t, "deaf") == 7,
		}
	}
	return c
}

func milliseconds(t *rapid.T, label string, most int) time.Duration {
	return durations(0, most).Draw(t, label)
}

func durations(least, most int) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(least, most), func(n int) time.Duration { return time.Duration(n) * ms })
}
