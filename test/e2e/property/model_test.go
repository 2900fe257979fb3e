package property

import (
	"errors"
	"time"

	"hedgerow/internal/fanout"
)

// The model says which runs of a plan the engine's promises allow. It knows no goroutines and no channels: a world is a value, a
// step makes another world of it, and where several things happen at the same moment each of them may come first.

type stage uint8

const (
	unborn  stage = iota // a call that has not begun, an attempt that was not fired
	running              // a call that waits for results, an attempt that is on its way
	ended                // an attempt whose result waits for the consumer, a call that is answered and has losers
	settled              // the end of both
	asking               // an attempt that has failed and asked for time, and whose result is on its way to the queue
	waiting              // a call that waits for its turn in the quota
)

// A full budget has so many hedges, and a hedge so many thousandths.
const (
	fullBudget = 10
	aHedge     = 1000
)

// tells is what an attempt says about durations.
type tells uint8

const (
	nothing tells = iota
	itsOwn        // it has succeeded
	atLeast       // it was cut
)

type attempt struct {
	stage          stage
	hedge          bool
	failed         bool
	started, ended time.Duration
	outcome        fanout.Outcome
	refused        fanout.Kind // why it was not sent
	tells          tells
}

type answer struct {
	err      error
	at       time.Duration
	values   [maxProducers]int
	count    int
	standing [maxProducers]fanout.Outcome
	budget   int // what was left then
	load     load
	retry    time.Duration // when to come again if the quota refused the call
}

type call struct {
	stage    stage
	attempts [maxProducers]attempt
	fired    int // attempts sent or refused
	open     int // attempts sent whose result was not taken
	queue    [maxProducers]int
	queued   int
	held     int
	turn     time.Duration // in the quota
	hedgeAt  time.Duration
	graceEnd time.Duration
	over     error // that the deadline has come or the caller has gone
	cut      bool  // the attempts are cancelled
	answer   answer
	saved    time.Duration // by a hedge that won; 0: none
}

type world struct {
	now      time.Duration
	inFlight int
	spent    int                      // of the budget, in thousandths of a hedge
	asked    [maxPlaces]time.Duration // until when a place has asked for time
	quota    bucket
	calls    [maxCalls]call
}

// end is an attempt's, by itself or because it is cancelled.
func (w *world) end(p plan, number, i int, cancelled bool) {
	c := &w.calls[number]
	a := &c.attempts[i]
	switch {
	case a.stage == asking:
	case cancelled || p.Calls[number].Attempts[i].Ending != succeeds:
		w.fail(number, i)
	default:
		a.tells = itsOwn
	}
	a.stage, a.ended = ended, w.now
	w.inFlight--
	c.queue[c.queued] = i
	c.queued++
}

// pop takes the oldest result off a call's queue.
func (c *call) pop() (int, *attempt) {
	i := c.queue[0]
	copy(c.queue[:], c.queue[1:])
	c.queued--
	c.queue[c.queued] = 0
	c.open--
	c.attempts[i].stage = settled
	return i, &c.attempts[i]
}

// take is what a strategy does with the next result.
func (w *world) take(p plan, number int) {
	c := &w.calls[number]
	i, a := c.pop()
	strategy := p.Calls[number].Strategy
	if a.failed {
		a.outcome = fanout.Failed
		if strategy == "smart" {
			w.fireHeld(p, number)
		}
	} else {
		a.outcome = fanout.Won
		c.answer.values[c.answer.count] = i
		c.answer.count++
	}
	race := strategy == "first" || strategy == "smart"
	switch {
	case race && c.answer.count == 1:
		w.decide(p, number, nil)
	case c.open == 0 && c.answer.count == 0 && strategy != "within-timeout":
		w.decide(p, number, fanout.ErrFailed)
	case c.open == 0:
		w.decide(p, number, nil)
	}
}

// giveUp ends a call that is over and has no result left to take.
func (w *world) giveUp(p plan, number int) {
	c := &w.calls[number]
	if p.Calls[number].Strategy == "within-timeout" && errors.Is(c.over, fanout.ErrTimedOut) {
		w.decide(p, number, nil)
		return
	}
	w.decide(p, number, c.over)
}

// decide answers a call. What still runs becomes a loser.
func (w *world) decide(p plan, number int, err error) {
	c := &w.calls[number]
	c.stage = ended
	c.answer.err, c.answer.at = err, w.now
	if err != nil {
		c.answer.values, c.answer.count = [maxProducers]int{}, 0
	}
	if err == nil && p.Calls[number].Strategy == "smart" {
		w.spent = max(0, w.spent-p.Calls[number].Pays)
	}
	c.answer.budget, c.answer.load = fullBudget*aHedge-w.spent, w.loadNow()
	for i := range c.fired {
		c.answer.standing[i] = c.attempts[i].outcome
		if c.attempts[i].stage != settled {
			c.answer.standing[i] = c.fate(fanout.Running)
		}
	}
	if c.graceEnd = w.now + p.Grace; errors.Is(c.over, fanout.ErrAbandoned) {
		c.graceEnd = w.now
	}
	c.rest()
}

// fate is what becomes of an attempt that was running when its call ended.
func (c *call) fate(own fanout.Outcome) fanout.Outcome {
	switch {
	case errors.Is(c.over, fanout.ErrTimedOut):
		return fanout.TimedOut
	case errors.Is(c.over, fanout.ErrAbandoned):
		return fanout.Abandoned
	}
	return own
}

// lose settles a loser.
func (w *world) lose(number int) {
	c := &w.calls[number]
	i, a := c.pop()
	if winner := &c.attempts[c.answer.values[0]]; i == 0 && c.answer.count > 0 && winner.hedge {
		c.saved = a.ended - winner.ended
	}
	own := fanout.Late
	switch {
	case a.failed && c.cut:
		own = fanout.Cancelled
	case a.failed:
		own = fanout.Failed
	}
	a.outcome = c.fate(own)
	c.rest()
}

// rest notes that a call has no losers any more.
func (c *call) rest() {
	if c.open == 0 {
		c.stage = settled
	}
}
