package http_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	hedgerow "hedgerow/internal/http"
	"hedgerow/internal/listen"
	"hedgerow/test/faultserver"
	"hedgerow/test/logtest"
)

// noting answers calls and notes their deadlines.
type noting struct{ deadlines chan time.Time }

func (n noting) Do(_ context.Context, plan fanout.Plan[int64]) (fanout.Answer[int64], error) {
	n.deadlines <- plan.Arrival.Add(plan.Timeout)
	return fanout.Answer[int64]{Values: []int64{1}}, nil
}

// sourced makes the attempts of its calls by a source of its own.
type sourced struct {
	*fanout.Service[int64]

	source fanout.Source[int64]
}

func (s sourced) Do(ctx context.Context, plan fanout.Plan[int64]) (fanout.Answer[int64], error) {
	plan.Source, plan.Producers = s.source, defaults().Producers
	return s.Service.Do(ctx, plan)
}

// late is the answer to a request that has waited for the service: it was sent before the service accepted its connection. sent is
// when that was.
func late(t *testing.T, calls hedgerow.Service, log *logtest.Log, wait time.Duration, target string) (response *http.Response, sent time.Time) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	sent = time.Now()
	time.Sleep(wait) // of the kernel's time, which nothing fakes

	logger := slog.New(slog.NewJSONHandler(log, nil))
	server := listen.NewServer(newRouter(t, hedgerow.Settings{
		Service: calls, MaxTimeout: maxTimeout, Logger: logger, Ready: func() bool { return true },
		ObserveCall: func(hedgerow.ObservedCall) {}, LogSample: func() bool { return false }, // what has waited is logged all the same
	}), maxTimeout, logger)
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listen.LimitConnections(listener, 10, logger)) }() // until Close
	response, err = http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return response, sent
}

func TestTheDeadlineRunsFromTheRequestsArrivalAndNotFromWhenTheServiceGetsToIt(t *testing.T) {
	calls, log := noting{make(chan time.Time, 1)}, &logtest.Log{}
	response, sent := late(t, calls, log, 400*time.Millisecond, "/api/first?timeout=10000")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	deadline := <-calls.deadlines
	assert.False(t, deadline.Before(sent.Add(10*time.Second)), "never too early")
	assert.Less(t, deadline.Sub(sent), 10*time.Second+100*time.Millisecond)
	waited := log.Wait(t, "status", 200.0)["waited_ms"]
	require.NotNil(t, waited)
	assert.Greater(t, waited, 350.0)
}

func TestACallThatHasWaitedForTooLongIsRefused(t *testing.T) {
	sent := false
	source := func(context.Context, fanout.Attempt) (int64, error) { sent = true; return 1, nil }
	response, _ := late(t, sourced{fanout.New[int64](defaults().Settings), source}, &logtest.Log{}, 400*time.Millisecond, "/api/first?timeout=1200")
	assert.Equal(t, "1", response.Header.Get("Retry-After"))
	const waited = `;desc="refused";dur=0;reason="the call has waited too long"`
	assert.Equal(t, "attempt1"+waited+", attempt2"+waited+", attempt3"+waited, response.Header.Get("Server-Timing"))
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	p := problem(t, answer{response, string(body)}, http.StatusServiceUnavailable)
	assert.Equal(t, "more calls than can be answered in time, try again later", p.Detail)
	assert.False(t, sent)
}

func TestARequestSentAheadOfTimeHasNotWaitedForTheOneBeforeIt(t *testing.T) {
	s := newService(t, defaults(), faultserver.After(300*time.Millisecond, faultserver.Answer(1)))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	const request = "GET /api/first?timeout=1000 HTTP/1.1\r\nHost: x\r\n\r\n"
	_, err = io.WriteString(conn, request+request)
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	for range 2 {
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusOK, response.StatusCode)
	}
}
