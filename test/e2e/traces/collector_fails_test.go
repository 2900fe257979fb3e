package traces

import (
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/metricstest"
)

// load makes calls that are answered at once, one after the other by each of a few callers, until it is ended.
type load struct {
	running sync.WaitGroup
	ended   chan struct{}

	mu       sync.Mutex
	statuses map[int]int
	longest  time.Duration
}

func (s *service) load(t *testing.T) *load {
	t.Helper()
	l := &load{ended: make(chan struct{}), statuses: map[int]int{}}
	for range 8 {
		l.running.Go(func() {
			for {
				select {
				case <-l.ended:
					return
				default:
				}
				began := time.Now()
				response, err := http.Get(s.URL() + "/api/within-timeout?timeout=20000")
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				l.mu.Lock()
				l.statuses[response.StatusCode]++
				l.longest = max(l.longest, time.Since(began))
				l.mu.Unlock()
				time.Sleep(time.Millisecond)
			}
		})
	}
	return l
}

func (l *load) end() map[int]int {
	close(l.ended)
	l.running.Wait()
	return l.statuses
}

func lost(scrape metricstest.Scrape) float64 { return scrape.Sum("hedgerow_spans_lost_total") }

func TestACollectorThatStallsIsKilledAndComesBackCostsSpansAndNoCall(t *testing.T) {
	s := start(t, "OTEL_EXPORTER_OTLP_TIMEOUT=500", "OTEL_BSP_MAX_QUEUE_SIZE=256", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=64")
	s.api.well()
	l := s.load(t)
	until := func(what string, met func(metricstest.Scrape) bool) {
		t.Helper()
		require.Eventually(t, func() bool {
			scrape, err := metricstest.Fetch(s.AdminAddr)
			return err == nil && met(scrape)
		}, patience, 20*time.Millisecond, what)
	}
	exportedMoreThan := func(n float64) func(metricstest.Scrape) bool {
		return func(scrape metricstest.Scrape) bool { return scrape.Sum("hedgerow_spans_exported_total") > n }
	}
	lostMore := func(reason string) {
		t.Helper()
		before := metricstest.Get(t, s.AdminAddr).Sum("hedgerow_spans_lost_total", "reason", reason)
		until(reason, func(scrape metricstest.Scrape) bool {
			return scrape.Sum("hedgerow_spans_lost_total", "reason", reason) > before+200
		})
	}
	until("all is well", exportedMoreThan(500))

	s.collector.stall()
	lostMore("queue full")
	lostMore("export failed")
	s.collector.kill()
	s.collector.goOn()
	lostMore("queue full")
	lostMore("export failed")
	s.collector.start()
	until("all is well again", exportedMoreThan(metricstest.Get(t, s.AdminAddr).Sum("hedgerow_spans_exported_total")+500))

	statuses := l.end()
	assert.Len(t, statuses, 1)
	assert.Less(t, l.longest, 5*time.Second, "no call has waited for the collector")
	calls := statuses[http.StatusOK]
	assert.Greater(t, calls, 500)
	made := float64(calls * 4) // each call has its own span, and three attempts
	until("each span was exported or is lost", func(scrape metricstest.Scrape) bool {
		return scrape.Sum("hedgerow_spans_exported_total")+lost(scrape) == made
	})
	assert.LessOrEqual(t, len(s.Log.Lines("msg", "spans are lost")), 4, "a line a minute for each reason")
	assert.NotEmpty(t, s.Log.Lines("reason", "queue full"))
	scrape := s.scrape(t)
	assert.GreaterOrEqual(t, float64(len(s.collector.received())), scrape.Sum("hedgerow_spans_exported_total"))
}

func TestACollectorThatStallsDoesNotHoldUpTheEndOfTheProcess(t *testing.T) {
	s := start(t)
	s.api.well()
	s.collector.stall()
	response, err := http.Get(s.URL() + "/api/all?timeout=20000")
	require.NoError(t, err)
	_ = response.Body.Close()
	s.scrape(t)
	require.NoError(t, s.Process.Signal(syscall.SIGTERM))
	began := time.Now()
	assert.Zero(t, s.End(t, patience))
	assert.Less(t, time.Since(began), 15*time.Second, "5 s, and the time for requests on their way")
	lines := s.Log.Lines("msg", "spans are lost")
	require.NotEmpty(t, lines)
	assert.Equal(t, "end", lines[len(lines)-1]["reason"])
}
