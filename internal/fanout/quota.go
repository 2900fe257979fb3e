package fanout

import (
	"context"
	"time"
)

// Quota bounds the requests that a source gets over time. It must be safe for concurrent use.
type Quota interface {
	// Wait takes up to n requests for attempts that are to be sent together: the first of their call, and others beside it, which get
	// what Spare would give them. It returns as soon as the first may be sent. It takes nothing, and granted is 0, when the turn of the
	// first comes neither at once nor before until, or when ctx is done before it. retryAfter is then how long the turn would have taken.
	Wait(ctx context.Context, n int, until time.Time) (granted int, retryAfter time.Duration)
	// Spare takes up to n requests for attempts beyond the first of their call, and returns how many. These give way: it takes none when
	// less than a tenth of the quota is left. It must not block.
	Spare(n int) int
}

// turn takes what the quota has for n attempts to be fired at once. The first attempt of the call waits for its turn. The error is
// ErrAbandoned or, when none may be sent, a *RefusedError.
func (c *Call[T]) turn(n int) (granted int, err error) {
	quota := c.quotaFor(n)
	if quota == nil {
		return n, nil
	}
	var retryAfter time.Duration
	if len(c.attempts) > 0 {
		granted = quota.Spare(n)
	} else {
		granted, retryAfter = quota.Wait(c.caller, n, c.turnBy)
	}
	switch {
	case granted > 0:
		return granted, nil
	case c.caller.Err() != nil:
		c.over = ErrAbandoned
		return 0, ErrAbandoned
	}
	c.refuse(n, Attempt{Started: time.Now(), Err: errQuota})
	return 0, &RefusedError{Kind: KindQuota, RetryAfter: max(retryAfter, c.service.pushback[c.place(0)].left(time.Now()))}
}

// spare takes what the quota has for n attempts that were held back.
func (c *Call[T]) spare(n int) int {
	if quota := c.quotaFor(n); quota != nil {
		return quota.Spare(n)
	}
	return n
}

// quotaFor is what bounds n attempts, nil when nothing does or they must not be sent anyway: what is refused for another reason takes nothing
// of a quota. Those for which the cap has no room now are refused also when it has some a moment later: they were not counted.
func (c *Call[T]) quotaFor(n int) Quota {
	if c.full = !c.service.hasRoom(n); c.full || c.overdue {
		return nil
	}
	return c.service.settings.Quota
}
