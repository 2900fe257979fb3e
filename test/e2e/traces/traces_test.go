// Package traces looks at the spans of a running service, as a collector receives them.
package traces

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/metricstest"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	calls   = 10_000
	callers = 32
)

// paths are those of calls of every kind. A timeout may come before the answer.
var paths = []string{
	"/api/all?timeout=300", "/api/first?timeout=300", "/api/within-timeout?timeout=100", "/api/smart?timeout=300", "/api/smart?timeout=40",
	"/proxy/shop/x?s3cret", "/proxy/shop/orders/s3cret",
}

// call makes the call of a number: every third one with a parent, every fiftieth by a caller who soon goes away.
func (s *service) call(t *testing.T, number int, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	if leaves(number) {
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	}
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+paths[random.IntN(len(paths))], nil)
	if err != nil {
		t.Error(err)
		return
	}
	if hasParent(number) {
		trace, parent := parentOf(number)
		request.Header.Set("Traceparent", traceparent(trace, parent))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		assert.Error(t, ctx.Err(), "%d: %v", number, err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
}

// leaves tells whether the caller soon goes away, perhaps before its request has been sent.
func leaves(number int) bool { return number%50 == 0 }

// hasParent tells whether the caller sends a trace.
func hasParent(number int) bool { return number%3 == 0 && !leaves(number) }

// parentOf is the caller's span of a call that has one.
func parentOf(number int) (trace [16]byte, parent [8]byte) {
	binary.BigEndian.PutUint64(trace[:], 1)
	binary.BigEndian.PutUint64(trace[8:], uint64(number)+1) //nolint:gosec // not below 0
	binary.BigEndian.PutUint64(parent[:], uint64(number)+1) //nolint:gosec // not below 0
	return trace, parent
}

// callMany makes calls from many callers at once.
func (s *service) callMany(t *testing.T) {
	t.Helper()
	var next atomic.Int64
	var running sync.WaitGroup
	for i := range callers {
		running.Go(func() {
			random := rand.New(rand.NewPCG(3, uint64(i))) //nolint:gosec // not below 0
			for n := next.Add(1); n <= calls; n = next.Add(1) {
				s.call(t, int(n), random)
			}
		})
	}
	running.Wait()
}

func TestEveryAttemptOfManyCallsIsASpanAndNoLoserIsAnError(t *testing.T) {
	s := start(t, "HEDGEROW_MAX_IN_FLIGHT=40", "OTEL_BSP_MAX_QUEUE_SIZE=100000", "OTEL_SERVICE_NAME=traced", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test")
	s.callMany(t)
	scrape := s.scrape(t)
	require.NoError(t, s.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, s.End(t, patience), "spans that wait are sent at the end")
	assert.Equal(t, []any{"traced", "test", "go"}, []any{
		s.collector.resource["service.name"], s.collector.resource["deployment.environment.name"], s.collector.resource["telemetry.sdk.language"],
	})
	spans := newSpans(t, s.collector.received())

	t.Run("each call has one", func(t *testing.T) {
		assert.GreaterOrEqual(t, len(spans.calls), calls-calls/50)
		counted := scrape.Sum("hedgerow_calls_total") + scrape.Sum("hedgerow_proxy_calls_total")
		assert.InDelta(t, counted, len(spans.calls), 0)
		for status := 200; status < 600; status++ {
			counted := scrape.Sum("hedgerow_calls_total", "status", fmt.Sprint(status))
			if status != http.StatusOK { // the APIs' own are counted by class
				counted += scrape.Sum("hedgerow_proxy_calls_total", "status", fmt.Sprint(status))
			} else {
				counted += scrape.Sum("hedgerow_proxy_calls_total", "status", "2xx") + scrape.Sum("hedgerow_proxy_calls_total", "status", "200")
			}
			assert.InDelta(t, counted, spans.statuses[int64(status)], 0, status)
		}
		for _, status := range []int64{200, 499, 502, 503, 504} {
			assert.Positive(t, spans.statuses[status], status)
		}
	})
	t.Run("each attempt has one, or an event when it was not sent", func(t *testing.T) {
		for _, outcome := range []string{"won", "late", "failed", "timed_out", "cancelled", "abandoned", "refused"} {
			for kind, hedge := range map[string]bool{"first": false, "hedge": true} {
				counted := attempts(scrape, "kind", kind, "outcome", outcome)
				assert.InDelta(t, counted, spans.attempts[attempt{outcome, hedge}], 0, "%s %s", kind, outcome)
			}
			assert.Positive(t, attempts(scrape, "outcome", outcome), outcome)
		}
		assert.InDelta(t, attempts(scrape, "kind", "first")+attempts(scrape, "kind", "hedge"), spans.sum(), 0)
	})
	t.Run("each request to the API is a child of its attempt", func(t *testing.T) {
		assert.NotContains(t, s.api.parents, "a request without a parent")
		assert.Greater(t, len(s.api.parents), calls)
		for parent, trace := range s.api.parents {
			assert.Equal(t, trace, spans.byID[parent].trace)
			assert.Equal(t, tracepb.Span_SPAN_KIND_CLIENT, spans.byID[parent].GetKind())
		}
	})
	t.Run("a caller's span is the parent", func(t *testing.T) {
		parents := map[string]string{}
		for _, call := range spans.calls {
			parents[call.trace] = call.parent
		}
		assert.Len(t, parents, len(spans.calls))
		for number := range calls {
			if !hasParent(number) {
				continue
			}
			trace, parent := parentOf(number)
			assert.Equal(t, string(parent[:]), parents[string(trace[:])])
		}
	})
}

// attempts sums both metrics of attempts.
func attempts(scrape metricstest.Scrape, labels ...string) float64 {
	return scrape.Sum("hedgerow_attempts_total", labels...) + scrape.Sum("hedgerow_proxy_attempts_total", labels...)
}
