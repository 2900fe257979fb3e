package faults

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// durations of calls.
type durations []time.Duration

// quantile returns the duration that the share q of calls did not exceed.
func (d durations) quantile(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// steadyLoad makes calls by four callers for a while, each with a pause of 5 ms between its calls, and checks that each is answered
// with 200.
func steadyLoad(t *testing.T, addr string, length time.Duration) durations {
	t.Helper()
	end := time.Now().Add(length)
	var (
		callers sync.WaitGroup
		took    [4]durations
	)
	for i := range took {
		callers.Go(func() { took[i] = keptCalls(t, addr, end) })
	}
	callers.Wait()
	all := slices.Concat(took[:]...)
	require.NotEmpty(t, all)
	return all
}

// keptCalls makes calls on one connection until end.
func keptCalls(t *testing.T, addr string, end time.Time) durations {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	var took durations
	for time.Now().Before(end) {
		began := time.Now()
		_, _ = io.WriteString(conn, "GET /api/first"+longTimeout+" HTTP/1.1\r\nHost: x\r\n\r\n")
		response, err := http.ReadResponse(reader, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
		}
		if err != nil {
			t.Error(err)
			return took
		}
		took = append(took, time.Since(began))
		assert.Equal(t, http.StatusOK, response.StatusCode)
		time.Sleep(5 * time.Millisecond)
	}
	return took
}
