package replicas

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// load is what calls have got.
type load struct {
	mu              sync.Mutex
	began           time.Time
	sent            []time.Duration
	firsts, refused int
	longest         time.Duration // that a call has waited
}

// offer makes calls of n attempts at once at regular times, in turn at the replicas, which wait for their turn for half a second. It returns when all have got theirs.
func offer(t *testing.T, all []replica, perSecond, n int, lasting time.Duration) *load {
	t.Helper()
	l := &load{began: time.Now()}
	var calls sync.WaitGroup
	for i := range int(lasting.Seconds() * float64(perSecond)) {
		calls.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / time.Duration(perSecond))
			began := time.Now()
			granted, _ := all[i%len(all)].Wait(t.Context(), n, began.Add(500*ms))
			l.mu.Lock()
			defer l.mu.Unlock()
			l.longest = max(l.longest, time.Since(began))
			for range granted {
				l.sent = append(l.sent, time.Since(l.began))
			}
			if granted == 0 {
				l.refused++
			} else {
				l.firsts++
			}
		})
	}
	calls.Wait()
	synctest.Wait()
	return l
}

// between is how many requests were sent in a time.
func (l *load) between(from, to time.Duration) (n int) {
	for _, at := range l.sent {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

func TestReplicasTogetherKeepToOneQuota(t *testing.T) {
	for name, test := range map[string]struct {
		calls, attempts int
		firsts          int // a second, of those that were offered
	}{
		"fewer calls than the quota, and hedges": {50, 3, 50},
		"as many calls as the quota, and hedges": {100, 3, 100},
		"more calls than the quota, and hedges":  {200, 3, 100},
		"more calls than the quota":              {200, 1, 100},
		"fewer calls than the quota":             {50, 1, 50},
	} {
		for _, replicas := range []int{1, 3} {
			t.Run(name, func(t *testing.T) {
				in(t, replicas, "100/s", func(t *testing.T, _ *memory, all []replica) {
					l := offer(t, all, test.calls, test.attempts, 20*time.Second)
					want := min(100, test.calls*test.attempts)
					assert.InDelta(t, 10*want, l.between(8*time.Second, 18*time.Second), float64(want)/2, "in ten seconds, within 5 %")
					for from := 3 * time.Second; from < 18*time.Second; from += time.Second / 4 {
						assert.LessOrEqual(t, l.between(from, from+time.Second), 105, "in the second from %v", from)
					}
					assert.LessOrEqual(t, l.between(0, time.Second), 220, "one second's worth may come at once, and what replicas use at the same moment")
					assert.InDelta(t, 20*test.firsts, l.firsts, 160, "first attempts go before others")
					assert.GreaterOrEqual(t, l.firsts, 20*test.firsts)
				})
			})
		}
	}
}

func TestACallDoesNotWaitForRedisWhenItsRequestWasTakenAheadOfNeed(t *testing.T) {
	in(t, 3, "100/s", func(t *testing.T, _ *memory, all []replica) {
		l := offer(t, all, 30, 3, 10*time.Second)
		assert.Zero(t, l.longest)
		assert.Len(t, l.sent, 900)
	})
}
