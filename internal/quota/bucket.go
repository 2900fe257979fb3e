package quota

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bucket is a quota that one process has for itself. It is a token bucket: it holds one second's worth, fills as time goes by, and is full
// at the start. It is safe for concurrent use.
type Bucket struct {
	mu      sync.Mutex
	rate    Rate
	limiter *rate.Limiter
	taken   int
	waits   int
	waited  time.Duration
}

// Load is what a quota does now.
type Load struct {
	// PerSecond is how many requests it allows. 0: there is no quota.
	PerSecond float64
	// Left is how many requests may be sent at once now, and the part of the next that has come.
	Left float64
	// Waits counts the first attempts that have waited for their turn, and Waited is for how long together.
	Waits  int
	Waited time.Duration
}

// NewBucket returns a full bucket.
func NewBucket(r Rate) *Bucket {
	return &Bucket{rate: r, limiter: rate.NewLimiter(rate.Limit(r.PerSecond()), r.Burst())}
}

// NewBucketHolding returns a bucket that holds so many requests, up to one second's worth. Below 0 as many are to come before the first turn.
func NewBucketHolding(r Rate, requests int) *Bucket {
	b := NewBucket(r)
	now := time.Now()
	for over := r.Burst() - requests; over > 0; over -= r.Burst() {
		b.limiter.ReserveN(now, min(over, r.Burst()))
	}
	return b
}

// SetRate changes the rate. What the bucket holds stays, up to one second's worth, and so does the turn of those who wait.
func (b *Bucket) SetRate(r Rate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rate = r
	now := time.Now()
	b.limiter.SetLimitAt(now, rate.Limit(r.PerSecond()))
	b.limiter.SetBurstAt(now, r.Burst())
}

// Wait is part of fanout.Quota. The turn of a caller that leaves goes back unless others stand behind it.
func (b *Bucket) Wait(ctx context.Context, n int, until time.Time) (granted int, retryAfter time.Duration) {
	turn, wait, granted := b.reserve(n, until)
	if granted == 0 {
		return 0, wait
	}
	if wait > 0 && !b.sleep(ctx, wait) {
		b.mu.Lock()
		defer b.mu.Unlock()
		turn.Cancel()
		b.taken -= granted
		return 0, 0
	}
	return granted, 0
}

// reserve takes a turn that comes before until, or now, and up to n-1 requests beside it. wait is how long the turn takes; granted is 0 when it comes too late.
func (b *Bucket) reserve(n int, until time.Time) (turn *rate.Reservation, wait time.Duration, granted int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	turn = b.limiter.ReserveN(now, 1)
	wait = turn.DelayFrom(now)
	if wait > 0 && !now.Add(wait).Before(until) {
		turn.CancelAt(now)
		return nil, wait, 0
	}
	b.taken++
	return turn, wait, 1 + b.spare(n-1, now)
}

// sleep waits for a turn. It is false when ctx was done before.
func (b *Bucket) sleep(ctx context.Context, wait time.Duration) bool {
	began := time.Now()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	came := true
	select {
	case <-timer.C:
	case <-ctx.Done():
		came = false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waits++
	b.waited += time.Since(began)
	return came
}

// Spare is part of fanout.Quota.
func (b *Bucket) Spare(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spare(n, time.Now())
}

func (b *Bucket) spare(n int, now time.Time) int {
	over := b.limiter.TokensAt(now) - b.rate.Reserve()
	if n < 1 || over < 0 {
		return 0
	}
	n = min(n, int(over)+1)
	b.limiter.AllowN(now, n)
	b.taken += n
	return n
}

// Close does nothing: a bucket has nothing to end.
func (b *Bucket) Close() {}

// Spend takes a request that is sent without being asked for. When none is left, those who come next wait for it.
func (b *Bucket) Spend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limiter.Reserve()
	b.taken++
}

// Taken returns how many requests have been taken out of the bucket, and for how many turns that are still to come.
func (b *Bucket) Taken() (requests, turns int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	turns = min(b.taken, int(math.Ceil(max(0, -b.limiter.Tokens()))))
	return b.taken - turns, turns
}

// Load returns what the quota does now.
func (b *Bucket) Load() Load {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Load{PerSecond: b.rate.PerSecond(), Left: max(0, b.limiter.Tokens()), Waits: b.waits, Waited: b.waited}
}
