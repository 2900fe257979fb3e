package http_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// TestCallersHangingUpLeaveNothingBehind makes 1,000 mixed calls of which 30 % hang up.
func TestCallersHangingUpLeaveNothingBehind(t *testing.T) {
	s := newService(t, defaults(), mixed(rand.New(rand.NewPCG(1, 2))))
	s.get(t, "/api/first?timeout=1000") // starts what is started once
	s.settle(t)
	goroutines, sockets := runtime.NumGoroutine(), openSockets(t)

	random := rand.New(rand.NewPCG(3, 4))
	var calls sync.WaitGroup
	var hungUp, answered int
	var mu sync.Mutex
	slots := make(chan struct{}, 100)
	for i := range 1000 {
		ctx, cancel := context.WithCancel(t.Context())
		if random.IntN(10) < 3 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(1+random.IntN(20))*time.Millisecond)
		}
		target := fmt.Sprintf("%s%s?timeout=%d", s.URL, endpoints[i%len(endpoints)], 20+random.IntN(100))
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			defer cancel()
			err := s.call(ctx, target)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answered++
			} else if assert.ErrorIs(t, err, context.DeadlineExceeded) {
				hungUp++
			}
		})
	}
	calls.Wait()
	assert.Greater(t, hungUp, 100)
	assert.Greater(t, answered, 600)
	s.settle(t)
	assert.Zero(t, s.fanout.InFlight())
	// Connections that have just been closed take their goroutines along a moment later.
	for range 1000 {
		if runtime.NumGoroutine() <= goroutines && openSockets(t) <= sockets {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines, "goroutines are back at their baseline")
	assert.LessOrEqual(t, openSockets(t), sockets, "sockets are back at their baseline")
}

// call makes one call and reads its answer.
func (s *service) call(ctx context.Context, target string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	response, err := s.Client().Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// settle waits until no attempt runs and no connection is open, neither a caller's nor one to the upstream.
func (s *service) settle(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.Client().CloseIdleConnections()
		s.client.Close() // one that an attempt has just given back, too
		open, _ := s.upstream.Connections()
		return open == 0 && s.fanout.InFlight() == 0
	}, 10*time.Second, 10*time.Millisecond)
}

// mixed is an upstream that answers, fails, hangs and resets at random.
func mixed(random *rand.Rand) faultserver.Behaviour {
	var mu sync.Mutex
	return func(conn net.Conn) bool {
		mu.Lock()
		kind, delay := random.IntN(10), time.Duration(random.IntN(60))*time.Millisecond
		mu.Unlock()
		switch {
		case kind < 6:
			return faultserver.After(delay, answers(1))(conn)
		case kind < 8:
			return faultserver.After(delay, fails)(conn)
		case kind < 9:
			return hangs(conn)
		default:
			return faultserver.Reset("")(conn)
		}
	}
}

// openSockets counts the process's sockets.
func openSockets(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	n := 0
	for _, e := range entries {
		if link, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && len(link) > 6 && link[:6] == "socket" {
			n++
		}
	}
	return n
}
