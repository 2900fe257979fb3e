package transport

import (
	"slices"
	"time"
)

// Idle connections are looked at every so often, so many in one go while others wait.
const (
	sweepEvery = time.Second
	sweepBatch = 64
)

// sweep closes the idle connections that have ended, or have been idle for too long.
func (p *pool) sweep() {
	for i := 0; p.sweepSome(&i); {
	}
}

// sweepSome looks at some idle connections from the i-th on. It is false when there are no more.
func (p *pool) sweepSome(i *int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	from := min(*i, len(p.idle))
	to := min(from+sweepBatch, len(p.idle))
	good := p.idle[:from]
	for _, c := range p.idle[from:to] {
		if c.inTime(now) && c.quiet() {
			good = append(good, c)
			continue
		}
		c.close()
		p.open--
	}
	*i = len(good)
	p.idle = slices.Delete(p.idle, len(good), to)
	p.dialMore()
	if *i < len(p.idle) {
		return true
	}
	if len(p.idle) > 0 {
		p.sweeper.Reset(sweepEvery)
	}
	return false
}

// leave closes the idle connections that have not spoken since a time.
func (p *pool) leave(since time.Time) {
	p.drop(func(c *conn) bool { return !c.spoke.After(since) })
}

// drop closes the oldest idle connections for which it is true.
func (p *pool) drop(suspect func(*conn) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := slices.IndexFunc(p.idle, func(c *conn) bool { return !suspect(c) })
	if n < 0 {
		n = len(p.idle)
	}
	for _, c := range p.idle[:n] {
		c.close()
	}
	p.idle = slices.Delete(p.idle, 0, n)
	p.open -= n
	p.dialMore()
}
