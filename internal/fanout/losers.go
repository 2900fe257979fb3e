package fanout

import "errors"

// end releases what the call holds and leaves its losers to a goroutine, if there are any.
func (c *Call[T]) end() {
	c.timer.Stop()
	if c.hedgeTimer != nil {
		c.hedgeTimer.Stop()
	}
	if errors.Is(c.over, ErrAbandoned) || c.service.settings.LoserGrace == 0 {
		c.cutLosers()
	}
	for c.running > 0 {
		select {
		case r := <-c.queue:
			c.lose(r)
		default:
			c.timer.Reset(c.service.settings.LoserGrace)
			c.service.losers.Add(1)
			go c.settleLosers()
			return
		}
	}
}

// settleLosers waits until the losers have ended, and cancels them when their grace is over.
func (c *Call[T]) settleLosers() {
	defer c.service.losers.Done()
	defer c.timer.Stop()
	for c.running > 0 {
		select {
		case r := <-c.queue:
			c.lose(r)
		case <-c.timer.C:
			c.cutLosers()
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
	c.settle(r, c.fate(own))
}

func (c *Call[T]) cutLosers() {
	c.cut = true
	c.cancel()
}
