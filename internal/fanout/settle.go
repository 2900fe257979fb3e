package fanout

import (
	"errors"
	"time"
)

// take settles an attempt whose result came in time.
func (c *Call[T]) take(r Result[T]) Result[T] {
	outcome := Won
	if r.Err != nil {
		outcome = Failed
	}
	c.settle(&c.attempts[r.number], r, outcome)
	return r
}

// settle writes into the record of an attempt how it has ended, and tells those who want to know. A loser's goroutine comes by here deep in its
// stack, which 100 bytes more would make grow.
func (c *Call[T]) settle(a *Attempt, r Result[T], outcome Outcome) {
	c.running--
	a.Duration, a.Outcome = r.duration, outcome
	if outcome == Failed {
		a.Err = r.Err
	}
	c.observe(a)
}

// observe tells those who want to know of an attempt. Where nobody does it must stay small on the stack, as settle: a record takes 100 bytes.
func (c *Call[T]) observe(a *Attempt) {
	if c.service.settings.Observe != nil {
		c.tellObserver(a)
	}
	if c.watcher != nil {
		c.tellWatcher(a)
	}
}

//go:noinline
func (c *Call[T]) tellObserver(a *Attempt) { c.service.settings.Observe(c.caller, *a) }

//go:noinline
func (c *Call[T]) tellWatcher(a *Attempt) { c.watcher.Ended(*a) }

// markRunning updates the records of the attempts that still run when the call ends.
func (c *Call[T]) markRunning() {
	if c.running == 0 {
		return
	}
	now := time.Now()
	for i := range c.attempts {
		if a := &c.attempts[i]; a.Outcome == Running {
			a.Outcome = c.fate(Running)
			a.Duration = now.Sub(a.Started)
		}
	}
}

// fate is the outcome of an attempt that was running when the call ended. It is own, unless the deadline or a gone caller ended the
// call.
func (c *Call[T]) fate(own Outcome) Outcome {
	switch {
	case errors.Is(c.over, ErrTimedOut):
		return TimedOut
	case errors.Is(c.over, ErrAbandoned):
		return Abandoned
	}
	return own
}
