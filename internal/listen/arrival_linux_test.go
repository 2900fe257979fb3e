package listen_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/listen"
)

// arrived is what the clock says about a request.
type arrived struct {
	at     time.Time
	waited time.Duration
}

// clock serves a listener and notes when each request came. Each takes a while.
func clock(t *testing.T, listener net.Listener, takes time.Duration) <-chan arrived {
	t.Helper()
	requests := make(chan arrived, 2)
	server := listen.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		connection := listen.ConnectionOf(r.Context())
		at, waited := connection.Arrival()
		requests <- arrived{at, waited}
		time.Sleep(takes) // of the kernel's time, which nothing fakes
		connection.Answered()
	}), time.Minute, quiet)
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listen.LimitConnections(listener, 10, quiet)) }() // until Close
	return requests
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	listener, err := listen.Open(t.Context(), "", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// send sends requests and returns when that was. Nobody reads the answers.
func send(t *testing.T, listener net.Listener, text string) (sent time.Time) {
	t.Helper()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	sent = time.Now()
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	return sent
}

func TestTheClockRunsFromTheRequestsArrivalAndNotFromWhenTheServerGetsToIt(t *testing.T) {
	listener := loopback(t)
	sent := send(t, listener, request)
	time.Sleep(400 * time.Millisecond) // of the kernel's time, which nothing fakes
	came := <-clock(t, listener, 0)
	assert.False(t, came.at.Before(sent), "never too early")
	assert.Less(t, came.at.Sub(sent), 100*time.Millisecond)
	assert.Greater(t, came.waited, 350*time.Millisecond)
}

func TestARequestThatTheServerGetsToAtOnceHasNotWaited(t *testing.T) {
	listener := loopback(t)
	requests := clock(t, listener, 0)
	for range 20 { // a busy machine makes some wait, but not all
		sent := send(t, listener, request)
		came := <-requests
		assert.False(t, came.at.Before(sent), "the kernel's coarse clock takes nothing away")
		if came.waited == 0 {
			return
		}
	}
	t.Fatal("every request had to wait")
}

func TestARequestSentAheadOfTimeHasNotWaitedForTheOneBeforeIt(t *testing.T) {
	listener := loopback(t)
	requests := clock(t, listener, 300*time.Millisecond)
	sent := send(t, listener, request+request)
	<-requests
	ahead := <-requests
	assert.GreaterOrEqual(t, ahead.at.Sub(sent), 300*time.Millisecond)
	assert.Less(t, ahead.waited, 300*time.Millisecond)
}

func TestAConnectionOfWhichNothingIsKnownStartsTheClockNow(t *testing.T) {
	conn, other := net.Pipe()
	t.Cleanup(func() { _, _ = conn.Close(), other.Close() })
	before := time.Now()
	connection := listen.ConnectionOf(listen.NewServer(nil, time.Minute, quiet).ConnContext(t.Context(), conn))
	assert.Nil(t, connection)
	at, waited := connection.Arrival()
	assert.False(t, at.Before(before))
	assert.Zero(t, waited)
	assert.NotPanics(t, connection.Answered)
}
