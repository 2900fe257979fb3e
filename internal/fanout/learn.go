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
		c.service.asked(c.place(number), failure.RetryAfter)
	}
}

// asked takes into account that a place has asked for time.
func (s *Service[T]) asked(place int, d time.Duration) {
	if s.pushback[place].extend(d) && s.settings.PushedBack != nil {
		s.settings.PushedBack(place, min(d, maxPushback))
	}
}

// PushBack leaves a place alone for d, 30 s at most, as if it had asked this service for that time. Settings.PushedBack is not told.
func (s *Service[T]) PushBack(place int, d time.Duration) { s.pushback[place].extend(d) }
