package faults

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ends hangs and tells when each request's connection has ended, and how.
func ends(ended chan<- error) func(net.Conn) bool {
	return func(conn net.Conn) bool {
		_, err := conn.Read(make([]byte, 1))
		ended <- err
		return false
	}
}

func TestACallerThatGoesAwayTakesItsAttemptsAlongWithin50MillisecondsAndIsCountedAs499(t *testing.T) {
	ended := make(chan error, 3)
	s := start(t, ends(ended))
	calls := 0
	quickest(t, 50*time.Millisecond, "the last attempt's end after the caller went away", func() time.Duration {
		calls++
		conn, err := net.Dial("tcp", s.Addr)
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "GET /api/first?timeout=2000 HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone-%d\r\n\r\n", calls)
		require.NoError(t, err)
		s.upstream.WaitForRequests(t, 3*calls)
		gone := time.Now()
		require.NoError(t, conn.Close())
		for range 3 {
			select {
			case err := <-ended:
				require.ErrorContains(t, err, "connection reset by peer")
			case <-time.After(10 * time.Second):
				require.Fail(t, "an attempt was not cut")
			}
		}
		return time.Since(gone)
	})
	for i := range calls {
		line := s.Log.Wait(t, "request_id", fmt.Sprintf("gone-%d", i+1))
		assert.InDelta(t, 499, line["status"], 0)
		assert.Equal(t, 3, strings.Count(line["attempts"].(string), "abandoned"))
	}
	eventually(t, time.Second, "the attempts to be counted", func() bool {
		return metric(t, s.Hedgerow, "hedgerow_attempts_total", "outcome", "abandoned") == 3*calls
	})
	assert.Equal(t, calls, metric(t, s.Hedgerow, "hedgerow_calls_total", "endpoint", "/api/first", "status", "499"))
	assert.Equal(t, calls, metric(t, s.Hedgerow, "hedgerow_calls_total"), "it is counted as nothing else")
	assert.Equal(t, 3*calls, metric(t, s.Hedgerow, "hedgerow_attempts_total"))
	assert.Zero(t, metric(t, s.Hedgerow, "hedgerow_attempt_failures_total"))
}

// slowCallers are connections that never send a whole request: half of them say nothing, the others send a byte a second.
type slowCallers struct{ conns []net.Conn }

func dialSlowCallers(t *testing.T, addr string, n int) *slowCallers {
	t.Helper()
	s := &slowCallers{}
	t.Cleanup(s.close)
	for range n {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		s.conns = append(s.conns, conn)
	}
	return s
}

func (s *slowCallers) close() {
	for _, conn := range s.conns {
		_ = conn.Close()
	}
}

// trickle sends the next bytes of a request, one a second on each connection, until stop is closed.
func (s *slowCallers) trickle(stop <-chan struct{}) {
	const request = "GET /api/first?timeout=1000 HTTP/1.1\r\nHost: x\r\n\r\n"
	half := s.conns[:len(s.conns)/2]
	for i := range request {
		pause := time.Second / time.Duration(len(half)/50+1) // fifty at a time, spread over the second
		for start := 0; start < len(half); start += 50 {
			for _, conn := range half[start:min(start+50, len(half))] {
				_, _ = io.WriteString(conn, request[i:i+1])
			}
			select {
			case <-stop:
				return
			case <-time.After(pause):
			}
		}
	}
}

// p99 makes calls for a while, on kept connections, and returns the time within which 99 % of them were answered.
func p99(t *testing.T, addr string) time.Duration {
	t.Helper()
	return steadyLoad(t, addr, 700*time.Millisecond).quantile(0.99)
}

const (
	slowConnections = 5000
	headerTimeout   = 5 * time.Second
)

func TestFiveThousandSlowAndSilentCallersSlowNobodyDown(t *testing.T) {
	allowFiles(t, 16_384)
	s := start(t, healthy)
	p99(t, s.Addr) // dials the connections to the upstream
	for try := 1; ; try++ {
		alone, beside := p99AloneAndBesideSlowCallers(t, s)
		t.Logf("p99 %v alone, %v beside %d slow callers", alone, beside, slowConnections)
		if beside < 2*alone {
			return
		}
		require.Less(t, try, 5, "each time p99 was not below twice its baseline")
	}
}

// p99AloneAndBesideSlowCallers takes the best of several rounds, as other programs on the machine only make it worse.
func p99AloneAndBesideSlowCallers(t *testing.T, s *service) (alone, beside time.Duration) {
	t.Helper()
	const rounds = 4
	alone, beside = time.Hour, time.Hour
	for range rounds {
		alone = min(alone, p99(t, s.Addr))
	}
	began := time.Now()
	slow := dialSlowCallers(t, s.Addr, slowConnections)
	defer slow.close()
	stop := make(chan struct{})
	defer close(stop)
	go slow.trickle(stop)
	for range rounds {
		if round := p99(t, s.Addr); time.Since(began) < headerTimeout { // then all of them were still there
			beside = min(beside, round)
		}
	}
	return alone, beside
}

func TestASlowOrSilentCallerIsClosedByTheHeaderTimeout(t *testing.T) {
	t.Parallel() // it takes its time, and nothing is measured closely
	allowFiles(t, 16_384)
	s := start(t, healthy)
	baseline := atRest(t, s.Hedgerow)
	began := time.Now()
	slow := dialSlowCallers(t, s.Addr, slowConnections)
	stop := make(chan struct{})
	defer close(stop)
	go slow.trickle(stop)
	eventually(t, headerTimeout, "all to be accepted", func() bool { return sockets(t, s.Hedgerow) >= slowConnections })
	for _, conn := range slow.conns {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(headerTimeout+5*time.Second)))
		said, err := io.ReadAll(conn)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the service closes the connection")
		if len(said) > 0 {
			assert.Regexp(t, "^HTTP/1.1 400 ", string(said), "to half a request line")
		}
	}
	assert.GreaterOrEqual(t, time.Since(began), headerTimeout-100*time.Millisecond)
	requireNoLeak(t, s.Hedgerow, baseline)
}
