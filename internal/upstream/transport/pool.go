package transport

import (
	"container/list"
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// pool has an origin's HTTP/1.1 connections while no attempt uses them, makes new ones, and keeps to the limit. An attempt that finds no
// connection waits for one that another gives back, or for its own dial, whichever is first. A dial goes on without its attempt, so that
// the next one has its connection even when it took longer than a call may.
type pool struct {
	dial func(ctx context.Context, number int) (*conn, error)
	max  int

	ctx    context.Context // of dials
	cancel context.CancelFunc

	mu      sync.Mutex
	idle    []*conn   // in the order in which they were given back
	open    int       // connections and dials
	waiting list.List // of *waiter, in the order of their coming
	starved int       // those of them for whom nobody dials
	sweeper *time.Timer
	closed  bool
}

// waiter is an attempt that waits for a connection.
type waiter struct {
	number   int
	fresh    bool          // only a new connection will do
	ready    chan dialled  // gets one
	place    *list.Element // nil when it waits no more
	dialling bool
}

// dialled is what a dial has ended with.
type dialled struct {
	conn *conn
	err  error
}

func newPool(limit int, dial func(ctx context.Context, number int) (*conn, error)) *pool {
	if limit == 0 {
		limit = math.MaxInt
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &pool{dial: dial, max: limit, ctx: ctx, cancel: cancel}
	p.sweeper = time.AfterFunc(sweepEvery, p.sweep)
	p.sweeper.Stop()
	return p
}

// take returns the connection that was given back last and is not too old, or else one that it waits for. fresh asks for a new one. number
// is that of the attempt.
func (p *pool) take(ctx context.Context, number int, fresh bool) (*conn, error) {
	for !fresh {
		c := p.pop()
		if c == nil {
			break
		}
		if c.inTime(time.Now()) {
			return c, nil
		}
		c.close()
		p.lost()
	}
	w := p.wait(number, fresh)
	select {
	case d := <-w.ready:
		return d.conn, d.err
	case <-ctx.Done():
		p.leaveQueue(w)
		return nil, ctx.Err()
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = slices.Delete(p.idle, len(p.idle)-1, len(p.idle))
	return c
}

// wait puts an attempt into the queue, and dials for it when there may be another connection.
func (p *pool) wait(number int, fresh bool) *waiter {
	w := &waiter{number: number, fresh: fresh, ready: make(chan dialled, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 && !fresh { // given back since take has looked
		w.ready <- dialled{conn: p.idle[n-1]}
		p.idle = slices.Delete(p.idle, n-1, n)
		return w
	}
	w.place = p.waiting.PushBack(w)
	p.starved++
	if p.open >= p.max && len(p.idle) > 0 { // the attempt wants none of these
		p.idle[0].close()
		p.idle = slices.Delete(p.idle, 0, 1)
		p.open--
	}
	p.dialMore()
	return w
}

// dialMore dials for those who wait, as far as the limit allows. The caller holds mu.
func (p *pool) dialMore() {
	for e := p.waiting.Front(); e != nil && p.starved > 0 && p.open < p.max && !p.closed; e = e.Next() {
		w := e.Value.(*waiter)
		if !w.dialling {
			w.dialling = true
			p.starved--
			p.open++
			go p.dialFor(w)
		}
	}
}

// dialFor makes a connection for w, or for somebody else when w has got another one by then.
func (p *pool) dialFor(w *waiter) {
	c, err := p.dial(p.ctx, w.number)
	p.mu.Lock()
	if err == nil && w.place == nil {
		p.mu.Unlock()
		p.put(c)
		return
	}
	defer p.mu.Unlock()
	if err != nil {
		p.open--
	}
	if w.place != nil {
		p.serve(w, dialled{c, err})
	}
	if errors.Is(err, errOther) { // nobody needs to wait here
		for e := p.waiting.Front(); e != nil; e = p.waiting.Front() {
			p.serve(e.Value.(*waiter), dialled{err: err})
		}
	}
	p.dialMore()
}

// serve ends a wait. The caller holds mu.
func (p *pool) serve(w *waiter, d dialled) {
	p.remove(w)
	w.ready <- d
}

// remove takes an attempt out of the queue. The caller holds mu.
func (p *pool) remove(w *waiter) {
	p.waiting.Remove(w.place)
	w.place = nil
	if !w.dialling {
		p.starved--
	}
}

// leaveQueue ends a wait in vain.
func (p *pool) leaveQueue(w *waiter) {
	p.mu.Lock()
	if w.place != nil {
		p.remove(w)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	if d := <-w.ready; d.conn != nil { // in the same moment
		p.put(d.conn)
	}
}

// put gives a connection to who has waited longest, or keeps it.
func (p *pool) put(c *conn) {
	c.spoke, c.pooled = time.Now(), true
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || c.spoke.Sub(c.made) >= maxAge {
		p.closeOne(c)
		return
	}
	for e := p.waiting.Front(); e != nil; e = e.Next() {
		w := e.Value.(*waiter)
		if !w.fresh {
			p.serve(w, dialled{conn: c})
			return
		}
		if !w.dialling { // it waits for room for another connection
			p.closeOne(c)
			return
		}
	}
	if len(p.idle) == 0 {
		p.sweeper.Reset(sweepEvery)
	}
	p.idle = append(p.idle, c)
}

// closeOne closes a connection, and dials for who has waited for its place. The caller holds mu.
func (p *pool) closeOne(c *conn) {
	c.close()
	p.open--
	p.dialMore()
}

// add takes in a connection that was made elsewhere.
func (p *pool) add(c *conn) {
	p.mu.Lock()
	p.open++
	p.mu.Unlock()
	p.put(c)
}

// lost notes that a connection is no more.
func (p *pool) lost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.dialMore()
}

// takeRoom takes room for one more dial, as far as the limit allows. What takes it calls lost when the dial has ended.
func (p *pool) takeRoom() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open >= p.max {
		return false
	}
	p.open++
	return true
}

// close closes what is idle. What is in use is closed when it is given back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.drop(func(*conn) bool { return true })
}
