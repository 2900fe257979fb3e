package fanout

import "time"

// FireAfter holds n attempts back until delay has passed or FireHeld is called, whichever comes first. Next starts them. They are
// refused, and the call goes on without them, when the cap has no room for them, their place has asked for time
// (Failure.RetryAfter), or the hedge budget or the quota is used up. When less than Plan.HedgeLeast is left after the delay, only FireHeld starts
// them.
func (c *Call[T]) FireAfter(delay time.Duration, n int) {
	c.held, c.hedging = n, true
	if n > 0 && delay < time.Until(c.deadline) {
		c.hedgeTimer = time.NewTimer(delay + tick)
	}
}

// fireTimed starts the attempts held back whose time has come, unless they would not end in time.
func (c *Call[T]) fireTimed() {
	if time.Until(c.deadline)+tick >= c.hedgeLeast {
		c.FireHeld()
	}
}

// FireHeld starts the attempts that FireAfter still holds back, unless the caller has gone or the deadline has passed, whether Next has said so
// or not.
func (c *Call[T]) FireHeld() {
	n, now := c.held, time.Now()
	c.held = 0
	if c.caller.Err() != nil || c.deadline.Sub(now)+tick <= 0 {
		return
	}
	for n > 0 {
		alike, asked := c.alike(n, now)
		if asked {
			c.refuse(alike, Attempt{Hedge: true, Started: now, Err: errPushback})
		} else {
			c.fireHedges(alike, now)
		}
		n -= alike
	}
}

// fireHedges starts as many of n attempts as the budget and the quota have, all of these or none. Those refused are recorded; the
// attempts that run go on.
func (c *Call[T]) fireHedges(n int, now time.Time) {
	paid := n
	if c.pays > 0 {
		paid = c.service.budget.take(n)
	}
	granted := c.spare(paid)
	sent := granted
	if !c.fire(granted, true) {
		sent = 0
	}
	if c.pays > 0 {
		c.service.budget.giveBack(paid - sent)
	}
	c.refuse(paid-granted, Attempt{Hedge: true, Started: now, Err: errQuota})
	c.refuse(n-paid, Attempt{Hedge: true, Started: now, Err: errBudget})
}

// alike returns how many of the next n attempts go to places that have asked for time, or how many go to places that have not.
func (c *Call[T]) alike(n int, now time.Time) (alike int, asked bool) {
	asks := func(i int) bool { return c.service.pushback[c.place(len(c.attempts)+i)].left(now) > 0 }
	asked = asks(0)
	for alike = 1; alike < n && asks(alike) == asked; {
		alike++
	}
	return alike, asked
}

// oldestRunning is for how long the oldest attempt that still runs has run at now, 0 without one.
func (c *Call[T]) oldestRunning(now time.Time) time.Duration {
	for i := range c.attempts {
		if c.attempts[i].Outcome == Running {
			return now.Sub(c.attempts[i].Started)
		}
	}
	return 0
}

// succeed notes that the call has an answer.
func (c *Call[T]) succeed() {
	c.well = true
	if c.hedging {
		c.service.budget.add(int64(c.pays))
	}
}

// tellSaved tells how much later than the hedge that won the first attempt, a loser that took d, has ended.
func (c *Call[T]) tellSaved(d time.Duration) {
	if !c.well {
		return
	}
	end := c.attempts[0].Started.Add(d)
	for i := range c.attempts {
		a := &c.attempts[i]
		if a.Hedge && a.Outcome == Won {
			if later := end.Sub(a.Started.Add(a.Duration)); later > 0 {
				c.service.settings.Saved(c.caller, later)
			}
			return
		}
	}
}
