package metrics_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
	"hedgerow/internal/metrics"
	"hedgerow/test/metricstest"
)

var statuses = []int{200, 400, 499, 500, 502, 503, 504}

var reasons = []fanout.Reason{{Kind: "TLS failure"}, {Kind: "invalid body"}, {Kind: "status", Code: 100}, {Kind: "status", Code: 500}}

func failed(kind fanout.Kind, code int) fanout.Attempt {
	return fanout.Attempt{Outcome: fanout.Failed, Duration: time.Millisecond, Err: &fanout.Failure{Reason: fanout.Reason{Kind: kind, Code: code}}}
}

// refused is an attempt that was not sent.
func refused(kind fanout.Kind) fanout.Attempt {
	return fanout.Attempt{Outcome: fanout.Refused, Err: &fanout.Failure{Reason: fanout.Reason{Kind: kind}}}
}

func newMetrics() *metrics.Metrics {
	m := metrics.New(metrics.Settings{
		Version: "v1", Endpoints: []string{"/api/first", "/api/all"}, Statuses: statuses, Reasons: reasons,
		MaxInFlight: 12288,
	})
	m.Watch(metrics.Watched{
		Calls: func() int { return 2 }, Attempts: func() int { return 5 },
		HedgeDelay: func() time.Duration { return 300 * time.Millisecond }, HedgeBudget: func() float64 { return 9.1 },
	})
	return m
}

// call is one of /api/first.
func call(status int, duration, timeout time.Duration) metrics.Call {
	return metrics.Call{Endpoint: "/api/first", Status: status, Duration: duration, Timeout: timeout}
}

// lines are the samples of Hedgerow's own metrics, and series their names and labels.
func lines(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	return metricstest.Of(t, m.Handler()).Lines("hedgerow_")
}

func series(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	return metricstest.Of(t, m.Handler()).Series("hedgerow_")
}

func TestCallsAndAttemptsAreCounted(t *testing.T) {
	m := newMetrics()
	m.ObserveCall(call(200, 120*time.Millisecond, time.Second))
	m.ObserveCall(call(200, 130*time.Millisecond, time.Second))
	m.ObserveCall(metrics.Call{Endpoint: "/api/all", Status: 504, Duration: time.Second, Timeout: time.Second})
	m.ObserveConnection()
	m.ObserveRequest(false)
	m.ObserveRequest(true)
	m.ObserveUnsent()
	m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Won, Duration: 120 * time.Millisecond})
	for _, hedge := range []fanout.Attempt{failed("status", 503), failed("TLS failure", 0)} {
		hedge.Hedge = true
		m.ObserveAttempt(hedge)
	}
	m.ObserveAttempt(refused(fanout.KindCap))
	for _, reason := range []fanout.Kind{fanout.KindPushback, fanout.KindBudget, fanout.KindBudget, fanout.KindCap, fanout.KindWait} {
		hedge := refused(reason)
		hedge.Hedge = true
		m.ObserveAttempt(hedge)
	}
	m.ObserveSaved(1500 * time.Millisecond)
	m.ObserveSaved(250 * time.Millisecond)

	counted := lines(t, m)
	for _, line := range []string{
		`hedgerow_calls_total{endpoint="/api/first", status="200"} 2`,
		`hedgerow_calls_total{endpoint="/api/all", status="504"} 1`,
		`hedgerow_call_duration_seconds_bucket{endpoint="/api/first", le="0.1"} 0`,
		`hedgerow_call_duration_seconds_bucket{endpoint="/api/first", le="0.15"} 2`,
		`hedgerow_call_duration_seconds_sum{endpoint="/api/first"} 0.25`,
		`hedgerow_attempts_total{kind="first", outcome="won"} 1`,
		`hedgerow_attempts_total{kind="hedge", outcome="failed"} 2`,
		`hedgerow_attempts_total{kind="hedge", outcome="refused"} 5`,
		`hedgerow_refusals_total{kind="first", reason="cap"} 1`,
		`hedgerow_refusals_total{kind="first", reason="budget"} 0`,
		`hedgerow_refusals_total{kind="hedge", reason="pushback"} 1`,
		`hedgerow_refusals_total{kind="hedge", reason="budget"} 2`,
		`hedgerow_refusals_total{kind="hedge", reason="cap"} 1`,
		`hedgerow_refusals_total{kind="hedge", reason="wait"} 1`,
		`hedgerow_hedge_saved_seconds_total 1.75`,
		`hedgerow_hedge_delay_seconds 0.3`,
		`hedgerow_hedge_budget 9.1`,
		`hedgerow_attempt_duration_seconds_count{kind="hedge"} 2`,
		`hedgerow_attempt_failures_total{reason="status 5xx"} 1`,
		`hedgerow_attempt_failures_total{reason="TLS failure"} 1`,
		`hedgerow_upstream_connections_total 1`,
		`hedgerow_upstream_requests_total 2`,
		`hedgerow_upstream_resends_total 1`,
		`hedgerow_upstream_unsent_total 1`,
		`hedgerow_attempts_in_flight 5`,
		`hedgerow_attempts_in_flight_limit 12288`,
		`hedgerow_calls_in_flight 2`,
		`hedgerow_build_info{version="v1"} 1`,
	} {
		assert.Contains(t, counted, line)
	}
	scrape := metricstest.Of(t, m.Handler())
	assert.Positive(t, scrape.Sum("go_goroutines"))
	assert.Positive(t, scrape.Sum("process_open_fds"))
	assert.Zero(t, scrape.Sum("hedgerow_attempt_failures_total", "reason", "other"), "a hedge that was not sent is not a failure")
}

func TestEverySeriesIsThereFromTheStartAndNoOtherComes(t *testing.T) {
	m := newMetrics()
	before, known := lines(t, m), series(t, m)
	for _, line := range []string{
		`hedgerow_calls_total{endpoint="/api/first", status="200"} 0`,
		`hedgerow_calls_total{endpoint="/api/all", status="499"} 0`,
		`hedgerow_calls_total{endpoint="/api/all", status="other"} 0`,
		`hedgerow_call_duration_seconds_count{endpoint="/api/all"} 0`,
		`hedgerow_answers_past_deadline_total{endpoint="/api/all"} 0`,
		`hedgerow_attempts_total{kind="first", outcome="refused"} 0`,
		`hedgerow_attempts_total{kind="hedge", outcome="won"} 0`,
		`hedgerow_attempt_duration_seconds_count{kind="hedge"} 0`,
		`hedgerow_attempt_failures_total{reason="invalid body"} 0`,
		`hedgerow_attempt_failures_total{reason="internal error"} 0`,
		`hedgerow_attempt_failures_total{reason="status 5xx"} 0`,
		`hedgerow_attempt_failures_total{reason="other"} 0`,
		`hedgerow_refusals_total{kind="first", reason="wait"} 0`,
		`hedgerow_refusals_total{kind="hedge", reason="budget"} 0`,
		`hedgerow_hedge_saved_seconds_total 0`,
		`hedgerow_upstream_connections_total 0`,
		`hedgerow_upstream_requests_total 0`,
		`hedgerow_upstream_resends_total 0`,
		`hedgerow_upstream_unsent_total 0`,
	} {
		assert.Contains(t, before, line)
	}

	for _, status := range append(statuses, 0, 201, 404, 418, 599) {
		m.ObserveCall(call(status, time.Second, time.Second))
		m.ObserveCall(metrics.Call{Endpoint: "/api/nope", Status: status, Duration: time.Second, Timeout: time.Second})
	}
	for _, outcome := range []fanout.Outcome{
		fanout.Won, fanout.Late, fanout.TimedOut, fanout.Cancelled, fanout.Abandoned, fanout.Refused,
	} {
		m.ObserveAttempt(fanout.Attempt{Outcome: outcome})
		m.ObserveAttempt(fanout.Attempt{Outcome: outcome, Hedge: true})
	}
	for _, a := range []fanout.Attempt{
		failed("status", 100), failed("status", 199), failed("status", 999), failed("status", 7), failed("status", -500), failed("status", 0),
		failed("something new", 0), failed("something new", 500), failed("", 0), failed("TLS failure", 500),
		refused(fanout.KindCap), refused("something new"), refused(""),
	} {
		m.ObserveAttempt(a)
	}
	m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Failed, Err: errors.New("a panic")})
	assert.Equal(t, known, series(t, m))
	after := lines(t, m)
	assert.Contains(t, after, `hedgerow_calls_total{endpoint="/api/first", status="504"} 1`)
	assert.Contains(t, after, `hedgerow_calls_total{endpoint="/api/first", status="other"} 5`, "no answer is uncounted")
	assert.Contains(t, after, `hedgerow_attempts_total{kind="first", outcome="failed"} 11`)
	assert.Contains(t, after, `hedgerow_attempt_failures_total{reason="status 1xx"} 2`)
	assert.Contains(t, after, `hedgerow_attempt_failures_total{reason="other"} 8`)
	assert.Contains(t, after, `hedgerow_attempt_failures_total{reason="internal error"} 1`)
}

func TestAnAnswerIsPastItsDeadlineWhenItIsMoreThan10msLate(t *testing.T) {
	m := newMetrics()
	for _, late := range []time.Duration{-time.Second, 0, time.Millisecond, 10 * time.Millisecond} {
		m.ObserveCall(call(504, 2*time.Second+late, 2*time.Second))
	}
	m.ObserveCall(call(400, time.Hour, 0))
	assert.Contains(t, lines(t, m), `hedgerow_answers_past_deadline_total{endpoint="/api/first"} 0`)
	m.ObserveCall(call(200, 2010*time.Millisecond+1, 2*time.Second))
	after := lines(t, m)
	assert.Contains(t, after, `hedgerow_answers_past_deadline_total{endpoint="/api/first"} 1`)
	assert.Contains(t, after, `hedgerow_answers_past_deadline_total{endpoint="/api/all"} 0`)
}
