package listen_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/listen"
	"hedgerow/test/pipes"
)

func within(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// dial connects and sends text.
func dial(t *testing.T, listener pipes.Listener, text string) net.Conn {
	t.Helper()
	near := listener.Dial()
	if text != "" { // a pipe waits for a reader of nothing, too
		_, err := io.WriteString(near, text)
		require.NoError(t, err)
	}
	return near
}

const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// drained is a server that is told to stop.
type drained struct {
	pipes.Listener

	stop  func()
	ended chan error
	ready atomic.Bool
}

// drain starts a server whose shutdown timeout is a second.
func drain(t *testing.T, handler http.HandlerFunc, afterCalls func()) *drained {
	t.Helper()
	d := &drained{Listener: pipes.Listen(), ended: make(chan error, 1)}
	d.ready.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	d.stop = cancel
	serve := listen.Draining(d.Listener, listen.Settings{
		Handler: handler, LongestCall: time.Hour, MaxConnections: 10, Ready: &d.ready, Delay: 3 * time.Second, Timeout: within(time.Second),
		AfterCalls: afterCalls, Logger: quiet,
	})
	go func() { d.ended <- serve(ctx) }()
	synctest.Wait()
	return d
}

func nothing() {}

func TestASilentCallerOrOneThatHasSentHalfARequestIsNotACallInFlight(t *testing.T) {
	for name, text := range map[string]string{"silent": "", "half a request": request[:10]} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := drain(t, func(http.ResponseWriter, *http.Request) { t.Error("there was no request") }, nothing)
				conn := dial(t, d.Listener, text)
				defer func() { _ = conn.Close() }()
				began := time.Now()
				d.stop()
				require.NoError(t, <-d.ended)
				assert.Equal(t, 4*time.Second, time.Since(began), "the delay and the timeout bound everything")
			})
		})
	}
}

func TestAShutdownTimeoutShorterThanTheMarginForRequestsOnTheirWayHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serve := listen.Draining(pipes.Listen(), listen.Settings{
			MaxConnections: 1, Ready: &atomic.Bool{}, Timeout: within(10 * time.Millisecond), AfterCalls: nothing, Logger: quiet,
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		require.NoError(t, serve(ctx))
		assert.Equal(t, 10*time.Millisecond, time.Since(began))
	})
}

func TestToldToStopItIsNotReadyAtOnceAndListensForTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := drain(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, nothing)
		d.stop()
		synctest.Wait()
		assert.False(t, d.ready.Load())
		time.Sleep(3*time.Second - 1)
		conn := dial(t, d.Listener, request)
		answer := make([]byte, len("HTTP/1.1 204"))
		_, err := io.ReadFull(conn, answer)
		require.NoError(t, err)
		assert.Equal(t, "HTTP/1.1 204", string(answer))
		require.NoError(t, conn.Close())
		require.NoError(t, <-d.ended)
	})
}

func TestCallsInFlightAtTheEndAreAnErrorThatCountsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := drain(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nothing)
		for range 2 {
			conn := dial(t, d.Listener, request)
			defer func() { _ = conn.Close() }()
		}
		silent := dial(t, d.Listener, "")
		defer func() { _ = silent.Close() }()
		began := time.Now()
		d.stop()
		require.EqualError(t, <-d.ended, "calls still in flight after the shutdown timeout of 1s: 2")
		assert.Equal(t, 4*time.Second, time.Since(began))
	})
}

func TestWhatCallsLeaveBehindIsWaitedForWithinTheTimeout(t *testing.T) {
	for name, test := range map[string]struct{ grace, took time.Duration }{
		"short": {100 * time.Millisecond, 3*time.Second + 600*time.Millisecond}, // after the margin for requests on their way
		"long":  {time.Minute, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := drain(t, nil, func() { time.Sleep(test.grace) })
				began := time.Now()
				d.stop()
				require.NoError(t, <-d.ended)
				assert.Equal(t, test.took, time.Since(began))
				time.Sleep(test.grace) // by then nothing is left in the bubble
			})
		})
	}
}

// failing is a listener that fails for good.
type failing struct{ pipes.Listener }

var errFailed = errors.New("the network is gone")

func (failing) Accept() (net.Conn, error) { return nil, errFailed }

func TestTheErrorOfEveryServerEndsTheGroupAndIsItsError(t *testing.T) {
	for name, broken := range map[string]int{"the first": 0, "the second": 1, "the third": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var group listen.Group
				listeners := []net.Listener{pipes.Listen(), pipes.Listen(), pipes.Listen()}
				listeners[broken] = failing{pipes.Listen()}
				ready := &atomic.Bool{}
				group.Add(t.Context(), listen.Draining(listeners[0], listen.Settings{
					MaxConnections: 1, Ready: ready, AfterCalls: nothing, Timeout: within(time.Second), Logger: quiet,
				}))
				group.Add(t.Context(), listen.Plain(listeners[1], nil, quiet))
				group.Add(t.Context(), listen.Plain(listeners[2], nil, quiet))
				require.ErrorIs(t, group.Run(), errFailed)
			})
		})
	}
}

func TestServersAreStoppedOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group listen.Group
		var order []int
		for i := range 3 {
			group.Add(t.Context(), func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Duration(3-i) * time.Second)
				order = append(order, i)
				return nil
			})
		}
		group.Add(t.Context(), func(context.Context) error { return nil })
		require.NoError(t, group.Run())
		assert.Equal(t, []int{0, 1, 2}, order)
	})
}
