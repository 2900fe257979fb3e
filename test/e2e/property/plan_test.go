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

	longestWait = 100 * ms         // that a call may have waited, or a quarter of its timeout if that is longer
	longestAsk  = 30 * time.Second // that a place is left alone for

	// Calls begin on different nanoseconds of a millisecond, and the turns of a quota come on others, so that nothing of one call ever
	// happens together with anything of another.
	stagger  = 10 * time.Nanosecond
	offTurns = 500 * time.Nanosecond
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
	Quota       quotaPlan
	Calls       []callPlan
}

// overdue tells whether a call has waited for too long before it began.
func (c callPlan) overdue() bool { return c.Waited > max((c.Waited+c.Timeout)/4, longestWait) }

// turnBy is when its turn in the quota comes too late: when half of its time has gone, what it waited before included.
func (c callPlan) turnBy() time.Duration { return c.Begins - c.Waited + (c.Waited+c.Timeout)/2 }

// atOnce is how many attempts a call fires when it begins.
func (p plan) atOnce(call int) int {
	if p.Calls[call].Strategy == "smart" {
		return 1
	}
	return p.Producers
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
	p.Quota = drawQuota(t)
	calls := rapid.IntRange(1, maxCalls).Draw(t, "calls")
	for i := range calls {
		p.Calls = append(p.Calls, p.drawCall(t, i, calls == 1))
	}
	return p
}

// drawCall draws a call. What comes together with a turn of the quota, one alone in its plan may have: in others it would do so with other calls.
func (p plan) drawCall(t *rapid.T, number int, alone bool) callPlan {
	delay := milliseconds(t, "hedge delay", 12)
	c := callPlan{
		Strategy: rapid.SampledFrom([]string{"all", "first", "within-timeout", "smart"}).Draw(t, "strategy"),
		Begins:   p.drawBegin(t, alone) + time.Duration(number)*stagger,
		Waited:   rapid.OneOf(rapid.Just[time.Duration](0), rapid.SampledFrom([]time.Duration{0, 4 * ms, 16 * ms, longestWait, longestWait + 1, never})).Draw(t, "waited"),
		Delay:    delay,
		Pays:     rapid.SampledFrom([]int{0, 1, 100, 500, 1000, 1500, 1000 * fullBudget}).Draw(t, "pays"),
		First:    rapid.IntRange(0, p.Places-1).Draw(t, "first place"),
	}
	wait := p.Quota.drawWait(t, c.Begins) // 0 without a quota
	c.Timeout = rapid.OneOf(c.timeouts(wait)...).Draw(t, "timeout")
	left, after := max(0, c.Timeout-delay), max(0, c.Timeout-wait-delay) // when the hedges of the timer go, at once or after the turn
	c.Least = rapid.OneOf(rapid.Just[time.Duration](0), rapid.SampledFrom([]time.Duration{left, left + 1, after, after + 1, never})).Draw(t, "least")
	telling := []time.Duration{
		0, never, c.Timeout, c.Timeout + tick, delay, delay + tick, c.Timeout + p.Grace, c.Timeout + tick + p.Grace,
		left, // a hedge that ends at the deadline
	}
	if wait > 0 && alone {
		telling = append(telling, wait, wait+tick, max(0, c.Timeout-wait), max(0, c.Timeout-wait)+tick)
	}
	moments := rapid.OneOf(rapid.SampledFrom(telling), milli(0, 20), milli(1, 4))
	c.Leaves = rapid.OneOf(leaves(moments, wait, number, alone)...).Draw(t, "leaves")
	for i := range p.Producers {
		c.Attempts[i] = drawAttempt(t, moments)
	}
	return c
}

// timeouts favour those of which half has gone when the turn comes, or just not.
func (c callPlan) timeouts(wait time.Duration) []*rapid.Generator[time.Duration] {
	t := []*rapid.Generator[time.Duration]{rapid.Just(c.Delay), milli(0, 16)}
	if half := c.Waited + 2*wait; wait > 0 {
		more := rapid.Map(milli(1, 32), func(d time.Duration) time.Duration { return half + d })
		t = append(t, rapid.SampledFrom([]time.Duration{half, half + 2*tick}), more, more)
	}
	return t
}

// leaves are when the caller of a call goes away. Just before a turn of the quota each has a moment of its own.
func leaves(moments *rapid.Generator[time.Duration], wait time.Duration, number int, alone bool) []*rapid.Generator[time.Duration] {
	l := []*rapid.Generator[time.Duration]{rapid.Just(never), rapid.Just(never), moments}
	if wait > 0 {
		l = append(l, rapid.Just(never), rapid.Just(max(0, wait-time.Duration(1+number)*tick)))
	}
	if wait > 0 && alone {
		l = append(l, rapid.Just(wait), rapid.Just(wait+tick))
	}
	return l
}

// drawBegin draws when a call begins, but for its stagger.
func (p plan) drawBegin(t *rapid.T, alone bool) time.Duration {
	begins := []*rapid.Generator[time.Duration]{milli(0, 10), milli(0, 100)}
	if alone {
		begins = append(begins, rapid.SampledFrom([]time.Duration{max(0, p.Quota.Comes-tick), p.Quota.Comes, p.Quota.Comes + tick}))
	}
	return rapid.OneOf(begins...).Draw(t, "begins")
}

func drawAttempt(t *rapid.T, moments *rapid.Generator[time.Duration]) attemptPlan {
	return attemptPlan{
		After:  max(2*tick, moments.Draw(t, "after")), // it may end between two hedges that are sent together otherwise
		Ending: rapid.SampledFrom([]ending{succeeds, succeeds, succeeds, fails, fails, panics, exits}).Draw(t, "ending"),
		Deaf:   rapid.IntRange(0, 7).Draw(t, "deaf") == 7,
		Asks:   rapid.OneOf(rapid.Just[time.Duration](0), rapid.Just[time.Duration](0), milli(0, 12), rapid.Just(never)).Draw(t, "asks"),
	}
}

func milliseconds(t *rapid.T, label string, most int) time.Duration {
	return milli(0, most).Draw(t, label)
}

func milli(least, most int) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(least, most), func(n int) time.Duration { return time.Duration(n) * ms })
}
