package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
	"hedgerow/internal/metrics"
)

func scrape(m *metrics.Metrics) string {
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return recorder.Body.String()
}

func TestCallsAndAttemptsAreCounted(t *testing.T) {
	m := metrics.New("v1", func() int { return 5 })
	m.ObserveCall("/api/first", 200, 120*time.Millisecond)
	m.ObserveCall("/api/first", 200, 130*time.Millisecond)
	m.ObserveCall("/api/all", 504, time.Second)
	m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Won, Duration: 120 * time.Millisecond})
	m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Failed, Hedge: true, Duration: time.Millisecond, Err: &fanout.Failure{Reason: "status 503"}})
	m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Failed, Hedge: true, Duration: time.Millisecond, Err: &fanout.Failure{Reason: "TLS failure"}})
	m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Refused, Hedge: true, Err: &fanout.Failure{Reason: "the upstream API asked to wait"}})

	text := scrape(m)
	for _, line := range []string{
		`hedgerow_calls_total{endpoint="/api/first",status="200"} 2`,
		`hedgerow_calls_total{endpoint="/api/all",status="504"} 1`,
		`hedgerow_call_duration_seconds_bucket{endpoint="/api/first",le="0.1"} 0`,
		`hedgerow_call_duration_seconds_bucket{endpoint="/api/first",le="0.15"} 2`,
		`hedgerow_call_duration_seconds_sum{endpoint="/api/first"} 0.25`,
		`hedgerow_attempts_total{kind="first",outcome="won"} 1`,
		`hedgerow_attempts_total{kind="hedge",outcome="failed"} 2`,
		`hedgerow_attempts_total{kind="hedge",outcome="refused"} 1`,
		`hedgerow_attempt_duration_seconds_count{kind="hedge"} 2`,
		`hedgerow_attempt_failures_total{reason="status 5xx"} 1`,
		`hedgerow_attempt_failures_total{reason="TLS failure"} 1`,
		`hedgerow_attempts_in_flight 5`,
		`hedgerow_build_info{version="v1"} 1`,
		`go_goroutines `,
		`process_open_fds `,
	} {
		assert.Contains(t, text, line)
	}
	assert.NotContains(t, text, "asked to wait", "a hedge that was not sent is no failure")
}
