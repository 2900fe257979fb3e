package replicas

import (
	"context"
	"slices"
	"sync"
	"time"

	"hedgerow/internal/quota"
)

// patience is how long a call may wait for Redis before it takes its turn in the local share.
const patience = 3 * time.Millisecond

// Quota is an API's quota that all replicas share. It is safe for concurrent use.
//
// Its requests are taken from Redis in batches, by a goroutine of its own: a few ahead of need, which are the lease, and those of calls
// that find too few there. Redis also grants turns that are still to come, so that the calls of all replicas stand in one line. While it
// does not answer, the replica keeps to its share of the quota, and nothing is spared for attempts beyond a call's first.
type Quota struct {
	link *Link
	key  string
	wake chan struct{} // has a slot: there is something to ask for
	stop context.CancelFunc
	done chan struct{} // closed when its goroutine has ended

	mu     sync.Mutex
	rate   quota.Rate
	lease  int           // requests taken and not used; below 0: used, and still to be taken
	next   time.Time     // when the first request that Redis has not granted has its turn, by its last answer
	heard  time.Time     // when that came
	line   []*waiter     // calls that wait for an answer, in the order of arrival
	alone  *quota.Bucket // the local share; nil while Redis answers
	lost   bool          // Redis has been lost since then, and is not only slow
	waits  int
	waited time.Duration
}

// waiter is a call that waits for an answer of Redis.
type waiter struct {
	n     int
	until time.Time
	turn  chan turn // has a slot
}

// turn is what a call gets.
type turn struct {
	granted int           // 0: its turn comes too late
	at      time.Time     // when it comes, or would come
	alone   *quota.Bucket // where to ask instead: Redis does not answer
}

// Wait is part of fanout.Quota.
func (q *Quota) Wait(ctx context.Context, n int, until time.Time) (granted int, retryAfter time.Duration) {
	t, w := q.enter(n, until)
	if w != nil {
		t = q.await(ctx, w)
	}
	if t.alone != nil {
		return t.alone.Wait(ctx, 1, until)
	}
	wait := time.Until(t.at)
	if t.granted == 0 || wait <= 0 {
		return t.granted, max(0, wait)
	}
	return q.sleep(ctx, t, wait), 0
}

// enter gives a call its turn, or a place in the line of those that wait for Redis.
func (q *Quota) enter(n int, until time.Time) (turn, *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if !q.link.Up() {
		q.fall(now)
		q.lost = true
	}
	switch {
	case len(q.line) == 0 && q.has(n, now):
		t := q.grant(n, now)
		q.refill()
		return t, nil
	case q.alone != nil:
		return turn{alone: q.alone}, nil
	case q.next.After(now) && !q.next.Before(until):
		return turn{at: q.next}, nil
	}
	w := &waiter{n: n, until: until, turn: make(chan turn, 1)}
	q.line = append(q.line, w)
	q.ask()
	return turn{}, w
}

// await returns the turn of a waiter: that of the local share when Redis is slow, none when ctx is done.
func (q *Quota) await(ctx context.Context, w *waiter) turn {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case t := <-w.turn:
		return t
	case <-timer.C:
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.line, w)
	if i < 0 {
		return <-w.turn // it has come just now
	}
	q.line = slices.Delete(q.line, i, i+1)
	if ctx.Err() != nil {
		return turn{}
	}
	q.fall(time.Now())
	return turn{alone: q.alone}
}

// sleep waits for a turn, and returns how many requests are granted then: none when ctx is done before.
func (q *Quota) sleep(ctx context.Context, t turn, wait time.Duration) (granted int) {
	began := time.Now()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	granted = t.granted
	select {
	case <-timer.C:
	case <-ctx.Done():
		granted = 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waits++
	q.waited += time.Since(began)
	if granted == 0 {
		q.keep(t.granted, t.at)
	}
	return granted
}

// Spare is part of fanout.Quota.
func (q *Quota) Spare(n int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	granted := q.spare(n, time.Now())
	q.refill()
	return granted
}

// has tells whether a call of n attempts can have now what it may have.
func (q *Quota) has(n int, now time.Time) bool {
	return q.lease+q.credit(now) >= n || q.lease > 0 && (!q.plenty(now) || q.left(now) < 1)
}

// grant takes the requests of a call of n attempts.
func (q *Quota) grant(n int, now time.Time) turn {
	q.lease--
	return turn{granted: 1 + q.spare(n-1, now), at: now}
}

func (q *Quota) spare(n int, now time.Time) (granted int) {
	for granted < n && q.plenty(now) && q.lease+q.credit(now) > 0 {
		q.lease--
		granted++
	}
	return granted
}

// credit is how many requests may be used before they are taken from Redis: while there is plenty, this replica's part of what Redis had
// left when it was asked last, which is with every sign of life. If the others use theirs too, no more are sent than there were.
func (q *Quota) credit(now time.Time) int {
	if now.Sub(q.heard) > beatEvery+2*commandTimeout || !q.plenty(now) {
		return 0
	}
	return max(0, int(q.left(now))/q.link.Replicas())
}

// plenty tells whether a tenth of the quota is left. While Redis does not answer nobody knows.
func (q *Quota) plenty(now time.Time) bool {
	return q.alone == nil && q.link.Up() && q.left(now)+float64(q.lease) >= q.rate.Reserve()
}

// left is how many requests Redis has left, if no other replica has taken any since it answered last. Below 0 so many calls have turns that
// are still to come.
func (q *Quota) left(now time.Time) float64 {
	return min(float64(q.burst()), 1+float64(now.Sub(q.next))/float64(q.every()))
}

// Spend takes a request that is sent without being asked for.
func (q *Quota) Spend() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.alone != nil {
		q.alone.Spend()
		return
	}
	q.lease--
	q.refill()
}

// SetRate changes the rate. What was taken stays taken.
func (q *Quota) SetRate(r quota.Rate) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rate = r
	if q.alone != nil {
		q.alone.SetRate(q.share())
	}
}

// Load returns what the quota does now, as far as this replica knows. The waits are those of its own calls.
func (q *Quota) Load() quota.Load {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := quota.Load{PerSecond: q.rate.PerSecond(), Left: max(0, q.left(time.Now())+float64(q.lease)), Waits: q.waits, Waited: q.waited}
	if q.alone != nil {
		alone := q.alone.Load()
		l.Left, l.Waits, l.Waited = alone.Left, l.Waits+alone.Waits, l.Waited+alone.Waited
	}
	return l
}

// Close ends the goroutine. Calls that still wait take their turn in the local share.
func (q *Quota) Close() {
	q.stop()
	<-q.done
	q.link.forget(q)
}
