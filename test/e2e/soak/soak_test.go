// Package soak makes very many calls with random faults on every side, and looks at what is left behind.
//
//	make soak
package soak

import (
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

var calls = flag.Int64("calls", 30_000, "how many calls to make")

const (
	seed    = 1
	callers = 48
	grace   = 100 * time.Millisecond // more than the slowest answer: nothing is cut while the callers are patient
)

func TestMain(m *testing.M) {
	flag.Parse()
	harness.Main(m)
}

func TestManyCallsWithRandomFaultsLeaveNothingBehind(t *testing.T) {
	up := newUpstream(t)
	service := &service{harness.Start(t,
		"EXPONEA_URL=http://"+up.listener.Addr().String()+"/",
		"HEDGEROW_LOSER_GRACE="+grace.String(), "HEDGEROW_MAX_IN_FLIGHT=120",
		"GOGC=100")} // otherwise the heap grows to 48 MiB whatever is in use, which takes more calls than the first tenth
	service.metrics(t) // opens the connection for what follows
	baseline := service.holds(t)

	began := time.Now()
	made := service.call(t, 1, *calls/10, true)
	service.settle(t)
	patient, asPatient := service.metrics(t), up.requests.Load()
	early := service.resident(t)
	up.hanging.Store(true)
	for status, n := range service.call(t, *calls/10+1, *calls, false) {
		made[status] += n
	}
	late := service.resident(t)
	elapsed := time.Since(began)
	service.settle(t)
	counted, all := service.metrics(t), up.requests.Load()
	t.Logf("%d calls in %v (%.0f/s), %d requests at the upstream; by status %v; memory after a tenth %d MB, at the end %d MB",
		*calls, elapsed.Round(time.Second), float64(*calls)/elapsed.Seconds(), all, made, early>>20, late>>20)

	t.Run("every call is counted once, by its status", func(t *testing.T) {
		for _, status := range []int{200, 400, 502, 503, 504} {
			assert.GreaterOrEqual(t, counted.calls[status], made[status], "status %d", status)
			assert.Positive(t, made[status], "status %d", status)
		}
		assert.Positive(t, made[hungUp])
		assert.Equal(t, *calls, counted.total())
	})
	t.Run("nothing went wrong inside", func(t *testing.T) {
		assert.Zero(t, counted.calls[500])
		assert.Zero(t, counted.internalErrors)
	})
	t.Run("the sum over outcomes is the upstream's count", func(t *testing.T) {
		assert.EqualValues(t, asPatient, patient.attempts+patient.resends, "as long as nothing is cut short")
		assert.Zero(t, patient.unsent)
		t.Logf("in all %d attempts, %d unsent, %d sent again, %d requests", counted.attempts, counted.unsent, counted.resends, counted.requests)
		// An attempt may be cut in the moment that net/http writes its request.
		assert.InEpsilon(t, all, counted.attempts-counted.unsent+counted.resends, 0.005)
		assert.InEpsilon(t, all, counted.requests, 0.005)
	})
	t.Run("goroutines and descriptors are back", func(t *testing.T) {
		up.connections.HangUp()
		assert.Eventually(t, func() bool { return service.holds(t).within(baseline) }, 10*time.Second, 50*time.Millisecond)
		assert.True(t, service.holds(t).within(baseline), "%+v, at first %+v", service.holds(t), baseline)
	})
	t.Run("memory does not grow", func(t *testing.T) {
		assert.Less(t, late, early+early/4*harness.MemoryFactor)
	})
}

// call makes the calls from one number to another, and returns how many ended with which status.
func (s *service) call(t *testing.T, from, to int64, patient bool) map[int]int64 {
	t.Helper()
	var next atomic.Int64
	next.Store(from - 1)
	all := map[int]int64{}
	var mu sync.Mutex
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			c := &caller{addr: s.Addr, patient: patient, statuses: map[int]int64{}}
			defer c.hangUp()
			for n := next.Add(1); n <= to; n = next.Add(1) {
				if err := c.call(rand.New(rand.NewPCG(seed+1, uint64(n)))); err != nil { //nolint:gosec // any n is a seed
					t.Errorf("call %d: %v", n, err)
					return
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for status, n := range c.statuses {
				all[status] += n
			}
		})
	}
	running.Wait()
	require.False(t, t.Failed())
	return all
}
