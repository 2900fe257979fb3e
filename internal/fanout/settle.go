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
	c.attempts[r.number] = c.settle(r, outcome)
	return r
}

// settle returns the record of an attempt that has ended, and tells those who want to know.
func (c *Call[T]) settle(r Result[T], outcome Outcome) Attempt {
	c.running--
	a := c.attempts[r.number]
	a.Duration, a.Outcome = r.duration, outcome
	if outcome == Failed {
		a.Err = r.Err
	}
	c.observe(a)
	return a
}

func (c *Call[T]) observe(a Attempt) {
	if observe := c.service.settings.Observe; observe != nil {
		observe(c.caller, a)
	}
	if c.watcher != nil {
		c.watcher.Ended(a)
	}
}

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
