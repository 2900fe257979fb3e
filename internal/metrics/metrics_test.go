package metrics_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
	"hedgerow/internal/metrics"
)

func newMetrics() *metrics.Metrics {
	return metrics.New(metrics.Settings{
		Version: "v1", Endpoints: []string{"/api/first", "/api/all"}, Reasons: []string{"TLS failure", "invalid body"},
		AttemptsInFlight: func() int { return 5 }, CallsInFlight: func() int { return 2 },
	})
}

func scrape(m *metrics.Metrics) string {
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return recorder.Body.String()
}

func TestCallsAndAttemptsAreCounted(t *testing.T) {
	m := newMetrics()
	m.ObserveCall("/api/first", 200, 120*time.Millisecond, time.Second)
	m.ObserveCall("/api/first", 200, 130*time.Millisecond, time.Second)
	m.ObserveCall("/api/all", 504, time.Second, time.Second)
	m.ObserveConnection()
	m.ObserveRequest(false)
	m.ObserveRequest(true)
	m.ObserveUnsent()
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
		`hedgerow_upstream_connections_total 1`,
		`hedgerow_upstream_requests_total 2`,
		`hedgerow_upstream_resends_total 1`,
		`hedgerow_upstream_unsent_total 1`,
		`hedgerow_attempts_in_flight 5`,
		`hedgerow_calls_in_flight 2`,
		`hedgerow_build_info{version="v1"} 1`,
		`go_goroutines `,
		`process_open_fds `,
	} {
		assert.Contains(t, text, line)
	}
	assert.NotContains(t, text, "asked to wait", "a hedge that was not sent is no failure")
}

// series are those of Hedgerow's own in a scrape, without their values.
func series(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "hedgerow_") {
			names = append(names, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return names
}

func TestEverySeriesIsThereFromTheStartAndNoOtherComes(t *testing.T) {
	m := newMetrics()
	before := scrape(m)
	for _, line := range []string{
		`hedgerow_calls_total{endpoint="/api/first",status="200"} 0`,
		`hedgerow_calls_total{endpoint="/api/all",status="499"} 0`,
		`hedgerow_call_duration_seconds_count{endpoint="/api/all"} 0`,
		`hedgerow_answers_past_deadline_total{endpoint="/api/all"} 0`,
		`hedgerow_attempts_total{kind="first",outcome="refused"} 0`,
		`hedgerow_attempts_total{kind="hedge",outcome="won"} 0`,
		`hedgerow_attempt_duration_seconds_count{kind="hedge"} 0`,
		`hedgerow_attempt_failures_total{reason="invalid body"} 0`,
		`hedgerow_attempt_failures_total{reason="internal error"} 0`,
		`hedgerow_attempt_failures_total{reason="status 5xx"} 0`,
		`hedgerow_attempt_failures_total{reason="other"} 0`,
		`hedgerow_upstream_connections_total 0`,
		`hedgerow_upstream_requests_total 0`,
		`hedgerow_upstream_resends_total 0`,
		`hedgerow_upstream_unsent_total 0`,
	} {
		assert.Contains(t, before, line+"\n")
	}

	for _, status := range []int{200, 400, 499, 500, 502, 503, 504} {
		m.ObserveCall("/api/first", status, time.Second, time.Second)
		m.ObserveCall("/api/nope", status, time.Second, time.Second)
	}
	for _, outcome := range []fanout.Outcome{
		fanout.Won, fanout.Late, fanout.TimedOut, fanout.Cancelled, fanout.Abandoned, fanout.Refused,
	} {
		m.ObserveAttempt(fanout.Attempt{Outcome: outcome})
		m.ObserveAttempt(fanout.Attempt{Outcome: outcome, Hedge: true})
	}
	for _, reason := range []string{"status 100", "status 999", "status 7", "status 50x0", "status ", "something new", ""} {
		m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Failed, Err: &fanout.Failure{Reason: reason}})
	}
	m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Failed, Err: errors.New("a panic")})
	after := scrape(m)
	assert.Equal(t, series(before), series(after))
	assert.Contains(t, after, `hedgerow_attempts_total{kind="first",outcome="failed"} 8`)
	assert.Contains(t, after, `hedgerow_attempt_failures_total{reason="status 1xx"} 1`)
	assert.Contains(t, after, `hedgerow_attempt_failures_total{reason="other"} 6`)
	assert.Contains(t, after, `hedgerow_attempt_failures_total{reason="internal error"} 1`)
}

func TestAnAnswerIsPastItsDeadlineWhenItIsMoreThan10msLate(t *testing.T) {
	m := newMetrics()
	for _, late := range []time.Duration{-time.Second, 0, time.Millisecond, 10 * time.Millisecond} {
		m.ObserveCall("/api/first", 504, 2*time.Second+late, 2*time.Second)
	}
	m.ObserveCall("/api/first", 400, time.Hour, 0)
	assert.Contains(t, scrape(m), `hedgerow_answers_past_deadline_total{endpoint="/api/first"} 0`)
	m.ObserveCall("/api/first", 200, 2010*time.Millisecond+1, 2*time.Second)
	text := scrape(m)
	assert.Contains(t, text, `hedgerow_answers_past_deadline_total{endpoint="/api/first"} 1`)
	assert.Contains(t, text, `hedgerow_answers_past_deadline_total{endpoint="/api/all"} 0`)
}
