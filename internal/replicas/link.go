// Package replicas has what the replicas of a deployment share through Redis: how many they are, the quotas of their APIs, and the time
// that an API has asked for. No call waits for Redis, and none fails because of it.
package replicas

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hedgerow/internal/quota"
)

const (
	// commandTimeout is how long Redis may take for an answer. Beyond that it is lost.
	commandTimeout = 250 * time.Millisecond
	// beatEvery is how often a replica says that it lives, and sees at the same time whether Redis is there.
	beatEvery = time.Second
	// retryEvery is how often while Redis does not answer.
	retryEvery = 200 * time.Millisecond
	// lifetime is for how long that holds.
	lifetime = 5 * beatEvery
)

// Link is a process's link to Redis. It is safe for concurrent use.
type Link struct {
	store    store
	name     string // of this replica
	logger   *slog.Logger
	up       atomic.Bool
	replicas atomic.Int64

	ctx     context.Context // done at the end
	stop    context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	told   bool      // the log has been told that Redis is lost, or was never there, and not yet that it is back
	since  time.Time // when it came last; zero: never
	quotas map[*Quota]struct{}
	rests  *rests
}

// Open returns a link that looks for Redis until Close. It does not wait for it: until it has answered the replica takes itself for the
// only one.
func Open(u URL, logger *slog.Logger) *Link { return open(newServer(u), logger) }

func open(s store, logger *slog.Logger) *Link {
	l := &Link{store: s, name: rand.Text(), logger: logger, quotas: map[*Quota]struct{}{}, rests: newRests()}
	l.replicas.Store(1)
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.running.Go(l.live)
	l.running.Go(l.spread)
	return l
}

// Close ends the link. The other replicas know at once that this one is gone. Quotas must have been closed before.
func (l *Link) Close() {
	l.stop()
	l.running.Wait()
	if l.Up() {
		_ = l.store.leave(l.name) // otherwise they know when its lifetime is over
	}
	l.store.close()
}

// Up tells whether Redis has answered when it was asked last.
func (l *Link) Up() bool { return l.up.Load() }

// Replicas returns how many replicas there were when Redis answered last, at least 1.
func (l *Link) Replicas() int { return int(l.replicas.Load()) }

// live says again and again that this replica lives.
func (l *Link) live() {
	for {
		replicas, err := l.store.beat(l.name)
		l.note(err)
		wait := beatEvery
		if err != nil {
			wait = retryEvery
		} else {
			l.count(replicas)
		}
		select {
		case <-time.After(wait):
		case <-l.ctx.Done():
			return
		}
	}
}

// count takes into account how many replicas live. A Redis that has come back may not have heard of all of them yet.
func (l *Link) count(replicas int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.since) < lifetime {
		replicas = max(replicas, l.Replicas())
	}
	l.replicas.Store(int64(max(1, replicas)))
}

// take takes requests of a quota.
func (l *Link) take(key string, o order) (grant, error) {
	g, err := l.store.take(key, o)
	if err != nil { // whether Redis is back a sign of life has to tell, which is always written
		l.note(err)
	}
	return g, err
}

// note takes into account whether Redis has answered. The log is told of a loss at once, and of a return when it has lasted until the next
// sign of life: a Redis may take those and refuse all else.
func (l *Link) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, first := l.up.Swap(err == nil), l.since.IsZero()
	if err == nil && !was {
		l.since = time.Now()
	}
	if err == nil {
		for q := range l.quotas {
			q.ask() // for what is left, if for nothing else: the other replicas take of it too
		}
	}
	switch {
	case err != nil && !l.told:
		l.told = true
		l.logger.Warn("Redis cannot be used: this replica keeps to its share of each quota, and nothing of it is spared for hedges",
			"replicas", l.Replicas(), "error", err.Error())
	case err == nil && (first && !l.told || l.told && time.Since(l.since) >= beatEvery):
		l.told = false
		l.logger.Info("Redis answers: quotas are shared", "replicas", l.Replicas())
	}
}

// Quota returns the quota of an API, until its Close.
func (l *Link) Quota(api string, r quota.Rate) *Quota {
	q := &Quota{link: l, key: api, rate: r, wake: make(chan struct{}, 1), done: make(chan struct{})}
	var ctx context.Context
	ctx, q.stop = context.WithCancel(l.ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quotas[q] = struct{}{}
	if !l.Up() {
		q.alone = quota.NewBucket(q.share())
	}
	q.ask()
	go q.run(ctx) // until Close
	return q
}

// forget drops a quota that is closed.
func (l *Link) forget(q *Quota) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.quotas, q)
}
