package fanout

import (
	"sync/atomic"
	"time"
)

// maxPushback is the longest time that a source can ask for. An API that names a whole day by mistake does not take the hedges away
// for so long.
const maxPushback = 30 * time.Second

// pushback is how long a place of the source has asked to be left alone. Each attempt's goroutine writes it, without a lock.
type pushback struct {
	began time.Time
	until atomic.Int64 // as nanoseconds after began, by the monotonic clock; 0: never asked
}

// extend makes the pushback last for d from now on, 30 s at most. A longer one that was asked for before stays, and it is false.
func (p *pushback) extend(d time.Duration) bool {
	until := int64(time.Since(p.began) + min(d, maxPushback))
	for {
		old := p.until.Load()
		if until <= old {
			return false
		}
		if p.until.CompareAndSwap(old, until) {
			return true
		}
	}
}

// left is what is left of the pushback at now, 0 when it has passed.
func (p *pushback) left(now time.Time) time.Duration {
	until := p.until.Load()
	if until == 0 {
		return 0
	}
	return max(0, time.Duration(until)-now.Sub(p.began))
}
