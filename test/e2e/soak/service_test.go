package soak

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/metricstest"
)

// service is Hedgerow as its operator sees it.
type service struct{ *harness.Hedgerow }

// counts are what the metrics say.
type counts struct {
	calls          map[int]int64 // by status
	attempts       int64         // fired, whatever became of them
	requests       int64         // sent, as Hedgerow counts
	resends        int64
	unsent         int64
	inFlight       int64
	internalErrors int64
}

func (c counts) total() int64 {
	sum := int64(0)
	for _, n := range c.calls {
		sum += n
	}
	return sum
}

func (s *service) metrics(t *testing.T) counts {
	t.Helper()
	scrape := metricstest.Get(t, s.AdminAddr)
	count := func(name string, labels ...string) int64 { return int64(scrape.Sum(name, labels...)) }
	c := counts{
		calls:          map[int]int64{},
		attempts:       count("hedgerow_attempts_total") - count("hedgerow_attempts_total", "outcome", "refused"),
		requests:       count("hedgerow_upstream_requests_total"),
		resends:        count("hedgerow_upstream_resends_total"),
		unsent:         count("hedgerow_upstream_unsent_total"),
		inFlight:       count("hedgerow_attempts_in_flight"),
		internalErrors: count("hedgerow_attempt_failures_total", "reason", "internal error"),
	}
	for status := 200; status < 600; status++ {
		if n := count("hedgerow_calls_total", "status", strconv.Itoa(status)); n > 0 {
			c.calls[status] = n
		}
	}
	return c
}

func (s *service) admin(t *testing.T, path string) string {
	t.Helper()
	response, err := http.Get("http://" + s.AdminAddr + path)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// settle waits for the losers.
func (s *service) settle(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return s.metrics(t).inFlight == 0 }, 10*time.Second, 20*time.Millisecond)
}

// held is what the process holds.
type held struct{ goroutines, descriptors int }

func (h held) within(other held) bool {
	return h.goroutines <= other.goroutines && h.descriptors <= other.descriptors
}

func (s *service) holds(t *testing.T) held {
	t.Helper()
	first, _, _ := strings.Cut(s.admin(t, "/debug/pprof/goroutine?debug=1"), "\n") // goroutine profile: total 12
	goroutines, err := strconv.Atoi(first[strings.LastIndexByte(first, ' ')+1:])
	require.NoError(t, err)
	descriptors, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Process.Pid))
	require.NoError(t, err)
	return held{goroutines, len(descriptors)}
}

// resident is the process's resident set in bytes.
func (s *service) resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.Process.Pid))
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}
