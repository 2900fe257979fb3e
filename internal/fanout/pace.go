package fanout

import (
	"errors"
	"sync/atomic"
	"time"
)

const (
	// maxPushback is the longest time that the source can ask for: an API that names a whole day by mistake does not take the
	// hedges away for so long.
	maxPushback = 30 * time.Second
	// meanWeight is what one attempt counts for in the mean duration: 1/8. The last 20 or so make up nearly all of it.
	meanWeight = 8
)

// errPushback is the error of a hedge that was not sent because the source has asked for time.
var errPushback = &Failure{Reason: "the upstream API asked to wait"}

// pace is what the attempts that have ended say of the source. Each goroutine of an attempt writes it, without a lock.
type pace struct {
	began  time.Time
	resume atomic.Int64 // when hedges may be sent again, as nanoseconds after began, by the monotonic clock; 0: never asked
	mean   atomic.Int64 // exponentially weighted mean duration of attempts in nanoseconds; 0: none has ended yet
}

// note takes an attempt into account that has just ended, after duration.
func (p *pace) note(duration time.Duration, err error) {
	for {
		old := p.mean.Load()
		mean := old + (int64(duration)-old)/meanWeight
		if old == 0 {
			mean = int64(duration)
		}
		if p.mean.CompareAndSwap(old, mean) {
			break
		}
	}
	if err == nil {
		return
	}
	if failure, ok := errors.AsType[*Failure](err); ok && failure.RetryAfter > 0 {
		p.wait(int64(time.Since(p.began) + min(failure.RetryAfter, maxPushback)))
	}
}

// wait keeps hedges back until resume, or until later if that was asked for before.
func (p *pace) wait(resume int64) {
	for {
		old := p.resume.Load()
		if resume <= old || p.resume.CompareAndSwap(old, resume) {
			return
		}
	}
}

// pushback is what is left at now of the time that the source has asked for, 0 when it has passed.
func (p *pace) pushback(now time.Time) time.Duration {
	resume := p.resume.Load()
	if resume == 0 {
		return 0
	}
	return max(0, time.Duration(resume)-now.Sub(p.began))
}
