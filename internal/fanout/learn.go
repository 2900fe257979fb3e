package fanout

import (
	"errors"
	"time"
)

// Durations learns how long attempts take. It must be safe for concurrent use and must not block.
type Durations interface {
	// Record gets the duration of each attempt that succeeded, losers included (ended), and of each that was cut before its end: it would
	// have taken longer than d. It is not told of attempts that failed.
	Record(d time.Duration, ended bool)
}

// learn takes into account what an ended attempt says about its source.
func (c *Call[T]) learn(number int, duration time.Duration, err error) {
	c.service.mean.add(duration)
	if ended := err == nil; c.durations != nil && (ended || c.ctx.Err() != nil) {
		c.durations.Record(duration, ended)
	}
	if err == nil {
		return
	}
	if failure, ok := errors.AsType[*Failure](err); ok && failure.RetryAfter > 0 {
		c.service.pushback[c.place(number)].extend(failure.RetryAfter)
	}
}
