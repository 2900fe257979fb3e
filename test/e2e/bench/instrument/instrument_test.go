package instrument_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/bench/instrument"
)

func start(t *testing.T, behave instrument.Behaviour) *instrument.Upstream {
	t.Helper()
	up, err := instrument.StartUpstream(behave)
	require.NoError(t, err)
	t.Cleanup(up.Stop)
	return up
}

func TestAnUpstreamAnswersInItsTimeAndCountsItsConnections(t *testing.T) {
	up := start(t, instrument.AnswerAfter(20*time.Millisecond))
	for range 3 {
		began := time.Now()
		response, err := http.Get(up.URL())
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.JSONEq(t, `{"time": 20}`, string(body))
		assert.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
	}
	assert.EqualValues(t, 1, up.Dialled())
}

func TestABehaviourIsToldTheRequestsNumber(t *testing.T) {
	up := start(t, func(n int64) instrument.Reply {
		return instrument.Reply{Text: instrument.Message([]string{"200 OK", "500 Internal Server Error"}[n%2], "{}")}
	})
	for i := range 4 {
		response, err := http.Get(up.URL())
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, []int{200, 500}[i%2], response.StatusCode)
	}
}

func TestAHeldConnectionIsNeitherAnsweredNorClosedAlsoAfterTheClientHasClosedItsSide(t *testing.T) {
	up := start(t, instrument.Never)
	conn, err := net.Dial("tcp", up.Addr())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = conn.Read(make([]byte, 1))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	assert.True(t, timeout.Timeout())
	require.NoError(t, conn.SetReadDeadline(time.Time{}))
	up.Stop()
	_, err = conn.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF)
}

func TestADripGoesOn(t *testing.T) {
	up := start(t, func(int64) instrument.Reply { return instrument.Reply{Text: []byte("head"), Drip: time.Millisecond} })
	conn, err := net.Dial("tcp", up.Addr())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\n")
	require.NoError(t, err)
	_, err = io.WriteString(conn, "Host: x\r\n\r\n")
	require.NoError(t, err)
	text := make([]byte, 10)
	_, err = io.ReadFull(conn, text)
	require.NoError(t, err)
	assert.Equal(t, "head      ", string(text))
	require.NoError(t, conn.Close())
}

func TestAClosedLoopCountsWhatItsCallersSee(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/path", r.URL.Path)
		time.Sleep(10 * time.Millisecond)
		switch n := calls.Add(1); {
		case n == 5:
			panic(http.ErrAbortHandler) // a connection that breaks
		case n%2 == 0:
			w.WriteHeader(http.StatusGatewayTimeout)
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 1500))
	}))
	defer server.Close()
	samples, broken := instrument.ClosedLoop(server.Listener.Addr().String(), "/path", 4, 0, 300*time.Millisecond)
	assert.Equal(t, 1, broken)
	assert.Len(t, samples, int(calls.Load()-1))
	statuses := map[int]int{}
	for _, s := range samples {
		statuses[s.Status]++
		assert.GreaterOrEqual(t, s.Took, 10*time.Millisecond)
	}
	assert.Len(t, statuses, 2)
	assert.InDelta(t, statuses[http.StatusOK], statuses[http.StatusGatewayTimeout], 1)
}

func TestOnlyCallsAfterTheWarmUpCount(t *testing.T) {
	up := start(t, instrument.AnswerAfter(5*time.Millisecond))
	samples, broken := instrument.ClosedLoop(up.Addr(), "/", 10, 100*time.Millisecond, 100*time.Millisecond)
	assert.Zero(t, broken)
	assert.NotEmpty(t, samples)
	assert.LessOrEqual(t, len(samples), 10*(100/5+1))
}
