package property

import (
	"errors"
	"math"
	"time"

	"pgregory.net/rapid"

	"hedgerow/internal/fanout"
	"hedgerow/internal/quota"
)

// quotaPlan is the quota of a plan.
type quotaPlan struct {
	Rate  int           // requests per second, one of rates; 0: there is no quota
	Held  int           // requests that may be sent at the beginning; below 0: so many are to come before the first turn
	Comes time.Duration // when the next request comes, since the plan began; at most a period
}

// rates divide 999,999,999: the n-th request to come does so n/rate of a nanosecond after a whole one. The bucket cuts that off, and no rounding
// of its floating point reaches another nanosecond.
var rates = []int{9, 27, 81, 111, 333}

// aRequest has a billion parts: a nanosecond brings as many of them as a second brings requests.
const aRequest = int(time.Second)

func (q quotaPlan) full() int { return q.Rate * aRequest }

// period is the time from one turn to the next.
func (q quotaPlan) period() time.Duration { return time.Second / time.Duration(q.Rate) }

// bucket is the real quota. The plan begins when it returns.
func (q quotaPlan) bucket() *quota.Bucket {
	if q.Rate == 0 {
		return nil
	}
	b := quota.NewBucketHolding(quota.Rate{Requests: q.Rate, Per: time.Second}, q.Held)
	time.Sleep(q.period() - q.Comes)
	return b
}

// level is what a bucket of the model holds then.
func (q quotaPlan) level() int {
	if q.Rate == 0 {
		return 0
	}
	return min(q.full(), q.Held*aRequest+int(q.period()-q.Comes)*q.Rate)
}

// load is what a quota tells of itself.
type load struct {
	taken  int // requests, also for turns that are still to come
	left   int // parts of requests that may be sent now
	waits  int // that are over
	waited time.Duration
}

func loadOf(b *quota.Bucket) load {
	if b == nil {
		return load{}
	}
	requests, turns := b.Taken()
	l := b.Load()
	return load{requests + turns, int(math.Round(l.Left * float64(aRequest))), l.Waits, l.Waited}
}

// same compares a load with that of a real bucket, which keeps a part of a request for each turn that was left with just one behind it.
func (l load) same(actual load) bool {
	off := l.left - actual.left
	actual.left = l.left
	return l == actual && max(off, -off) <= maxCalls
}

// bucket is the quota of a world.
type bucket struct {
	level int           // in parts of a request; below 0 they are to come for turns that have been given
	last  time.Duration // the latest of these turns
	load  load
}

// pass has time go on, which brings requests.
func (w *world) pass(p plan, to time.Duration) {
	w.quota.level = min(p.Quota.full(), w.quota.level+int(to-w.now)*p.Quota.Rate)
	w.now = to
}

// takeOf takes n requests of the quota.
func (w *world) takeOf(n int) {
	w.quota.level -= n * aRequest
	w.quota.load.taken += n
}

// spare takes as many of n requests for attempts beyond their call's first as leave a tenth of the quota to others.
func (w *world) spare(p plan, number, n int) int {
	if p.Quota.Rate == 0 || w.bars(p, number, n) != "" {
		return n
	}
	over := w.quota.level - max(aRequest, p.Quota.full()/10)
	if over < 0 {
		return 0
	}
	n = min(n, over/aRequest+1)
	w.takeOf(n)
	return n
}

// turn is what happens when that of a waiting call comes. The quota has nothing for attempts beside its first.
func (w *world) turn(p plan, number int) {
	w.waited(p, number)
	w.send(p, number, 1)
}

// leave is what happens when the caller of a waiting call goes away. Its turn is free again if it is the last.
func (w *world) leave(p plan, number int) {
	c := &w.calls[number]
	w.waited(p, number)
	w.quota.load.taken--
	if c.turn == w.quota.last {
		w.quota.level += aRequest
		w.quota.last -= p.Quota.period()
	}
	c.over = fanout.ErrAbandoned
	w.decide(p, number, fanout.ErrAbandoned)
}

// waited counts a wait that is over.
func (w *world) waited(p plan, number int) {
	w.quota.load.waits++
	w.quota.load.waited += w.now - p.Calls[number].Begins
}

// loadNow is what the quota tells of itself now.
func (w *world) loadNow() load {
	l := w.quota.load
	l.left = max(0, w.quota.level)
	return l
}

// sameRefusal compares why a call was refused and, for the quota, when to come again.
func sameRefusal(c *call, err error) bool {
	refused, ok := errors.AsType[*fanout.RefusedError](err)
	return !ok || refused.Kind == c.attempts[0].refused && (refused.Kind != fanout.KindQuota || refused.RetryAfter == c.answer.retry)
}

// drawQuota favours quotas that have nothing, just what attempts beyond the first must leave, or all.
func drawQuota(t *rapid.T) quotaPlan {
	if !rapid.Bool().Draw(t, "quota") {
		return quotaPlan{}
	}
	q := quotaPlan{Rate: rapid.SampledFrom(rates).Draw(t, "rate")}
	empty := rapid.IntRange(-2, 1)
	held := rapid.OneOf(empty, empty, rapid.IntRange(q.Rate/10-1, q.Rate/10+8), rapid.IntRange(0, 30), rapid.IntRange(q.Rate-1, q.Rate))
	q.Held = min(q.Rate, held.Draw(t, "held"))
	q.Comes = milliseconds(t, "comes", int(min(q.period(), 60*ms)/ms)) + offTurns
	return q
}

// drawWait draws how long one of the next turns is away.
func (q quotaPlan) drawWait(t *rapid.T, begins time.Duration) time.Duration {
	if q.Rate == 0 {
		return 0
	}
	turn := q.Comes
	for turn <= begins {
		turn += q.period()
	}
	n := rapid.IntRange(0, int(30*ms/q.period())).Draw(t, "turn")
	return turn + time.Duration(n)*q.period() - begins
}
