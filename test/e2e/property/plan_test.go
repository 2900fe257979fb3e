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
	maxCalls     = 6
	maxProducers = 5
	maxPlaces    = 3

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
	// Asks is the time that a failure asks for before the next request to its place.
	Asks time.Duration
}

// callPlan is one call. Times are since the call began.
type callPlan struct {
	Strategy string
	Begins   time.Duration // since the plan began
	Waited   time.Duration // before it began
	Timeout  time.Duration // what is left of it after that
	Leaves   time.Duration // when the caller goes away; 0 is before the call
	Delay    time.Duration // of its hedges
	Least    time.Duration // that a hedge needs
	Pays     int           // thousandths of a hedge, into the budget; 0: it has no budget
	First    int           // the place of its first attempt
	Attempts [maxProducers]attemptPlan
}

// plan is what happens to one service.
type plan struct {
	Producers   int
	Places      int
	Spent       int // hedges of the budget that are gone before the calls
	Grace       time.Duration
	MaxInFlight int
	Calls       []callPlan
}

// place is where an attempt of a call goes.
func (p plan) place(call, number int) int { return (p.Calls[call].First + number) % p.Places }

var strategies = map[string]fanout.Strategy[int]{
	"all": fanout.All[int], "first": fanout.First[int], "within-timeout": fanout.WithinTimeout[int], "smart": fanout.Smart[int],
}

// drawPlan favours what comes together: ties of attempts with each other, the deadline, the hedge delay, the end of the grace.
func drawPlan(t *rapid.T) plan {
	p := plan{
		Producers: rapid.IntRange(1, maxProducers).Draw(t, "producers"),
		Places:    rapid.IntRange(1, maxPlaces).Draw(t, "places"),
		Spent:     rapid.OneOf(rapid.IntRange(0, fullBudget), rapid.IntRange(fullBudget-2, fullBudget)).Draw(t, "spent"),
		Grace:     milliseconds(t, "grace", 8),
	}
	p.MaxInFlight = rapid.OneOf(rapid.Just(1000), rapid.IntRange(1, 2*p.Producers)).Draw(t, "cap")
	for i := range rapid.IntRange(1, maxCalls).Draw(t, "calls") {
		p.Calls = append(p.Calls, p.drawCall(t, i))
	}
	return p
}

func (p plan) drawCall(t *rapid.T, number int) callPlan {
	delay := milliseconds(t, "hedge delay", 12)
	c := callPlan{
		Strategy: rapid.SampledFrom([]string{"all", "first", "within-timeout", "smart"}).Draw(t, "strategy"),
		Begins:   rapid.OneOf(milli(0, 10), milli(0, 100)).Draw(t, "begins") + time.Duration(number)*stagger,
		Waited:   rapid.OneOf(rapid.Just[time.Duration](0), rapid.SampledFrom([]time.Duration{0, 16 * ms, longestWait, longestWait + 1, never})).Draw(t, "waited"),
		Timeout:  rapid.OneOf(rapid.Just(delay), milli(0, 16)).Draw(t, "timeout"),
		Delay:    delay,
		Pays:     rapid.SampledFrom([]int{0, 1, 100, 500, 1000, 1500, 1000 * fullBudget}).Draw(t, "pays"),
		First:    rapid.IntRange(0, p.Places-1).Draw(t, "first place"),
	}
	left := max(0, c.Timeout-delay) // when the hedges of the timer go
	c.Least = rapid.OneOf(rapid.Just[time.Duration](0), rapid.SampledFrom([]time.Duration{left, left + 1, never})).Draw(t, "least")
	telling := []time.Duration{
		0, never, c.Timeout, c.Timeout + tick, delay, delay + tick, c.Timeout + p.Grace, c.Timeout + tick + p.Grace,
		left, // a hedge that ends at the deadline
	}
	moments := rapid.OneOf(rapid.SampledFrom(telling), milli(0, 20), milli(1, 4))
	c.Leaves = rapid.OneOf(rapid.Just(never), rapid.Just(never), moments).Draw(t, "leaves")
	for i := range p.Producers {
		c.Attempts[i] = attemptPlan{
			After:  moments.Draw(t, "after"),
			Ending: rapid.SampledFrom([]ending{succeeds, succeeds, succeeds, fails, fails, panics, exits}).Draw(t, "ending"),
			Deaf:   rapid.IntRange(0, 7).Draw(t, "deaf") == 7,
			Asks:   rapid.OneOf(rapid.Just[time.Duration](0), rapid.Just[time.Duration](0), milli(0, 12), rapid.Just(never)).Draw(t, "asks"),
		}
	}
	return c
}

func milliseconds(t *rapid.T, label string, most int) time.Duration {
	return milli(0, most).Draw(t, label)
}

func milli(least, most int) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(least, most), func(n int) time.Duration { return time.Duration(n) * ms })
}
