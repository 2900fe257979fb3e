package fanout

import (
	"errors"
	"time"
)

// end releases what the call holds. Its losers, if any, settle themselves.
func (c *Call[T]) end() {
	stopped := c.timer.Stop()
	if c.hedgeTimer != nil {
		c.hedgeTimer.Stop()
	}
	if c.running == 0 {
		c.service.pending.Done()
		return
	}
	if grace := c.service.settings.LoserGrace; grace == 0 || errors.Is(c.over, ErrAbandoned) {
		c.cutLosers()
	} else if stopped {
		c.losing = true
		c.timer.Reset(grace)
	} else { // it has rung, or is about to
		c.timer = time.AfterFunc(grace, c.cutLosers)
	}
	c.answered.Store(true)
	c.settleLosers() // those that have put their result on the queue before they could know
}

// settleLosers settles the losers whose results are on the queue. Each loser calls it, so no goroutine has to wait for them.
func (c *Call[T]) settleLosers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		select {
		case r := <-c.queue:
			if r.number != deadlineNumber {
				c.lose(r)
			}
		default:
			return
		}
	}
}

// lose settles an attempt whose result came too late to matter.
func (c *Call[T]) lose(r Result[T]) {
	own := Late
	if r.Err != nil && c.cut {
		own = Cancelled
	} else if r.Err != nil {
		own = Failed
	}
	a := c.attempts[r.number] // which is not written to any more
	c.settle(&a, r, c.fate(own))
	if r.number == 0 && c.service.settings.Saved != nil {
		c.tellSaved(r.duration)
	}
	if c.running > 0 {
		return
	}
	c.timer.Stop()
	c.service.pending.Done()
}

// cutLosers cancels the attempts that still run.
func (c *Call[T]) cutLosers() {
	c.mu.Lock()
	c.cut = true
	c.mu.Unlock()
	c.cancel()
}
