package fanout

import (
	"sync/atomic"
	"time"
)

// meanWeight is the part of the mean that one attempt makes up: 1/8. The last 20 or so attempts make up nearly all of it.
const meanWeight = 8

// mean is the exponentially weighted mean duration of the attempts that have ended. Each attempt's goroutine writes it, without a
// lock. The zero value knows of no attempt.
type mean struct{ nanoseconds atomic.Int64 }

// add moves the mean by an eighth of its difference from d. The first d is the mean.
func (m *mean) add(d time.Duration) {
	for {
		old := m.nanoseconds.Load()
		next := old + (int64(d)-old)/meanWeight
		if old == 0 {
			next = int64(d)
		}
		if m.nanoseconds.CompareAndSwap(old, next) {
			return
		}
	}
}

// value is the mean, 0 before the first attempt has ended.
func (m *mean) value() time.Duration { return time.Duration(m.nanoseconds.Load()) }
