package faults

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
)

// changeable is a behaviour that a test can change.
type changeable struct {
	now atomic.Pointer[faultserver.Behaviour]
}

func (c *changeable) set(b faultserver.Behaviour) { c.now.Store(&b) }

func (c *changeable) behave(conn net.Conn) bool { return (*c.now.Load())(conn) }

func TestAnUpstreamThatFailsAtOnceFailsTheAttemptAndNothingLeaks(t *testing.T) {
	testFaults(t, faultserver.Faults(faultserver.FailsAtOnce, faultserver.Flood))
}

func TestAnUpstreamThatIsSlowerThanTheTimeoutEndsAtTheDeadlineAndNothingLeaks(t *testing.T) {
	testFaults(t, faultserver.Faults(faultserver.Silence))
}

// failsWithin is how soon a call fails when all of its attempts do. A flood is three times 1 MiB to be read and unpacked.
var failsWithin = map[faultserver.Kind]time.Duration{faultserver.FailsAtOnce: atOnce, faultserver.Flood: 200 * time.Millisecond}

// testFaults makes calls of every strategy to one service, which is at its baseline after each fault.
func testFaults(t *testing.T, faults []faultserver.Fault) {
	t.Helper()
	var upstream changeable
	upstream.set(faultserver.Raw(faultserver.Head+"Content-Length: 10\r\nConnection: close\r\n\r\n{\"time\":1}", false))
	s := start(t, upstream.behave)
	for _, path := range strategies {
		assert.Equal(t, http.StatusOK, get(t, s.Hedgerow, path+longTimeout).StatusCode)
	}
	baseline := atRest(t, s.Hedgerow)
	for _, f := range faults {
		t.Run(f.Name, func(t *testing.T) {
			// An attempt that finds its connection gone is made again on a new one, unless it had a new one.
			upstream.set(f.Behaviour)
			if f.Kind == faultserver.Silence {
				requireTimedOut(t, s.Hedgerow)
			} else {
				requireFailed(t, s.Hedgerow, f.Reason, failsWithin[f.Kind])
			}
			// Idle connections are not a leak. They end when the upstream answers for the last time on each.
			requireNoLeakButIdle(t, s, baseline)
		})
	}
}

// requireNoLeakButIdle is requireNoLeak with what an idle connection to the upstream needs for itself: a socket.
func requireNoLeakButIdle(t *testing.T, s *service, baseline held) {
	t.Helper()
	requireIdle(t, s.Hedgerow)
	eventually(t, 5*time.Second, "no more connections than attempts at a time", func() bool {
		idle, _ := s.upstream.Connections()
		return idle <= 3*len(strategies) // and the rests of failed answers have been given up
	})
	idle, _ := s.upstream.Connections()
	allowed := baseline
	allowed.sockets += idle
	requireNoLeak(t, s.Hedgerow, allowed)
}

// requireIdle waits until no attempt is in flight.
func requireIdle(t *testing.T, h *harness.Hedgerow) {
	t.Helper()
	eventually(t, 5*time.Second, "every attempt to end", func() bool {
		return metric(t, h, "hedgerow_attempts_in_flight") == 0
	})
}

// requireFailed makes a call by each strategy and checks that it fails within limit.
func requireFailed(t *testing.T, h *harness.Hedgerow, reason string, limit time.Duration) {
	t.Helper()
	for _, path := range strategies {
		quickest(t, limit, path, func() time.Duration {
			a := get(t, h, path+longTimeout)
			if path == "/api/within-timeout" {
				assert.Equal(t, http.StatusOK, a.StatusCode)
				assert.Equal(t, "[]", a.body)
				return a.took
			}
			assert.Equal(t, http.StatusBadGateway, a.StatusCode, path)
			failed := "failed: " + reason
			assert.Equal(t, []string{failed, failed, failed}, a.tell(), path)
			return a.took
		})
	}
}

// requireTimedOut makes calls by all strategies at a time and checks that they end at the deadline. A strategy that was late, maybe
// because the machine was, gets further tries.
func requireTimedOut(t *testing.T, h *harness.Hedgerow) {
	t.Helper()
	const timeout = 400 * time.Millisecond // the hedges of smart run too
	late := strategies
	for tries := 0; len(late) > 0; tries++ {
		require.Less(t, tries, 8, "%v are late again and again", late)
		requireIdle(t, h) // no losers of calls before
		var again []string
		for path, a := range atATime(t, h, late, fmt.Sprintf("?timeout=%d", timeout.Milliseconds())) {
			assert.GreaterOrEqual(t, a.took, timeout-time.Millisecond, path)
			if a.took > timeout+noise {
				again = append(again, path)
			}
			if path == "/api/within-timeout" {
				assert.Equal(t, http.StatusOK, a.StatusCode)
				assert.Equal(t, "[]", a.body)
				continue
			}
			assert.Equal(t, http.StatusGatewayTimeout, a.StatusCode, path)
			assert.Equal(t, []string{"timed_out", "timed_out", "timed_out"}, a.tell(), path)
		}
		late = again
	}
}

// atATime makes a call to each path at a time.
func atATime(t *testing.T, h *harness.Hedgerow, paths []string, query string) map[string]answer {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]answer{}
	var calls sync.WaitGroup
	for _, path := range paths {
		calls.Go(func() {
			a, err := call(t, h, http.MethodGet, path+query)
			if assert.NoError(t, err) {
				mu.Lock()
				defer mu.Unlock()
				answers[path] = a
			}
		})
	}
	calls.Wait()
	require.Len(t, answers, len(paths))
	return answers
}
