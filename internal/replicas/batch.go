package replicas

import (
	"context"
	"time"
)

// leaseShare is the part of one second's worth that all replicas together hold ahead of need: a tenth.
const leaseShare = 10

// target is how many requests the replica holds ahead of need. A quota too small to give each replica one is asked for each call.
func (q *Quota) target() int {
	replicas, burst := q.link.Replicas(), q.rate.Burst()
	switch target := burst / leaseShare / replicas; {
	case target > 0:
		return target
	case burst >= 2*replicas:
		return 1
	}
	return 0
}

// burst is how many requests Redis lets go at once. The replicas have the rest.
func (q *Quota) burst() int { return max(1, q.rate.Burst()-q.target()*q.link.Replicas()) }

// every is the time between two requests.
func (q *Quota) every() time.Duration { return q.rate.Per / time.Duration(q.rate.Requests) }

// refill has more requests taken when a quarter of those ahead of need have been used.
func (q *Quota) refill() {
	if 4*q.lease < 3*q.target() {
		q.ask()
	}
}

func (q *Quota) ask() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run asks Redis whenever there is something to ask for, until ctx is done.
func (q *Quota) run(ctx context.Context) {
	defer close(q.done)
	for {
		select {
		case <-q.wake:
			q.exchange()
		case <-ctx.Done():
			return
		}
	}
}

// exchange takes what is needed from Redis, and hands it out. It asks what is left when that was last heard half a second ago.
func (q *Quota) exchange() {
	if !q.link.Up() || !q.comeBack() { // the link wakes everybody when it is up again
		return
	}
	q.mu.Lock()
	o, isKnown := q.order(time.Now()), time.Since(q.heard) < beatEvery/2
	q.mu.Unlock()
	if o.firsts+o.more == 0 && isKnown {
		return
	}
	g, err := q.link.take(q.key, o)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.fall(time.Now())
		q.lost = true
		for _, w := range q.line {
			w.turn <- turn{alone: q.alone}
		}
		q.line = nil
		return
	}
	q.receive(g, o.every, time.Now())
	if len(q.line) > 0 || q.alone != nil {
		q.ask()
	}
}

// order is what is needed at a time. What has been used already is taken first; those who wait have their turns behind it.
func (q *Quota) order(now time.Time) order {
	o := order{every: q.every(), burst: q.burst()}
	all := q.target() - q.lease
	for _, w := range q.line {
		all += w.n
		o.ahead = max(o.ahead, w.until.Sub(now))
	}
	if o.firsts = max(0, len(q.line)-q.lease); q.lease < 0 {
		o.firsts, o.ahead = -q.lease, forever
	}
	o.more = max(0, all-o.firsts)
	return o
}

// forever is a time ahead for what has to be taken whenever its turn comes.
const forever = 24 * time.Hour

// turns are those that Redis has granted: one each interval, from a time on.
type turns struct {
	at    time.Time
	every time.Duration
	n     int
}

func (t *turns) take() time.Time {
	at := t.at
	t.at, t.n = t.at.Add(t.every), t.n-1
	return at
}

// receive hands out what Redis has granted: to what has been used already, then to those who wait, in the order of arrival, and the rest to
// the lease.
func (q *Quota) receive(g grant, every time.Duration, now time.Time) {
	granted := &turns{now.Add(g.turn), every, g.granted}
	q.next, q.heard = granted.at.Add(time.Duration(g.granted)*every), now
	for granted.n > 0 && (q.lease < 0 || !granted.at.After(now)) {
		granted.take()
		q.lease++
	}
	for len(q.line) > 0 && q.serve(q.line[0], granted, now) {
		q.line = q.line[1:]
	}
	for granted.n > 0 {
		q.keep(1, granted.take())
	}
}

// serve gives a waiter its turn, or tells it that it comes too late. It is false when Redis has to be asked again: it has more for the
// waiter, or has not heard of it yet.
func (q *Quota) serve(w *waiter, granted *turns, now time.Time) bool {
	late := granted.at.After(now) && !granted.at.Before(w.until)
	switch {
	case q.has(w.n, now):
		w.turn <- q.grant(w.n, now)
	case q.lease > 0 || granted.n == 0 && !late:
		return false
	case late:
		w.turn <- turn{at: granted.at}
	default:
		w.turn <- turn{granted: 1, at: granted.take()}
	}
	return true
}

// keep adds requests to the lease when their turn comes.
func (q *Quota) keep(n int, at time.Time) {
	wait := time.Until(at)
	if wait <= 0 {
		q.lease += n
		return
	}
	time.AfterFunc(wait, func() { // nobody waits for it: it ends by itself
		q.mu.Lock()
		defer q.mu.Unlock()
		q.lease += n
	})
}
