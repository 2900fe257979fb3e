package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
	"hedgerow/internal/metrics"
	"hedgerow/internal/quota"
)

func newAPIs() (*metrics.Metrics, *metrics.APIs) {
	m := newMetrics()
	a := m.AddAPIs(metrics.APISettings{
		Statuses: statuses, Reasons: reasons,
		Load: func() []metrics.APILoad {
			return []metrics.APILoad{
				{
					API: "rates", Calls: 2, Attempts: 5, MaxAttempts: 500, HedgeBudget: 0.7, Last: []bool{false, true},
					Quota:       quota.Load{PerSecond: 1.5, Left: 0.25, Waits: 3, Waited: 250 * time.Millisecond},
					HedgeDelays: map[string]time.Duration{"": 500 * time.Millisecond, "GET /users/{id}": 20 * time.Millisecond},
				},
			}
		},
		Buffered: func() int64 { return 1 << 20 }, MaxBuffered: 256 << 20,
		Redis: func() (bool, int) { return true, 3 },
	})
	a.Set([]string{"rates", "orders"})
	return m, a
}

func TestCallsAndAttemptsAreCountedByAPI(t *testing.T) {
	m, a := newAPIs()
	a.ObserveCall(metrics.Call{Endpoint: "rates", Status: 200, Duration: 120 * time.Millisecond, Timeout: time.Second})
	for _, status := range []int{204, 304, 404, 418, 508, 999, 7} {
		a.ObserveCall(metrics.Call{Endpoint: "rates", Status: status, Duration: 2 * time.Second, Timeout: time.Second})
	}
	a.ObserveConnection("rates")
	a.ObserveRequest("rates", false)
	a.ObserveRequest("rates", true)
	a.ObserveUnsent("rates")
	a.ObserveAttempt("rates", fanout.Attempt{Outcome: fanout.Won, Duration: 120 * time.Millisecond})
	a.ObserveAttempt("rates", failed("status", 503))
	a.ObserveAttempt("rates", refused(fanout.KindWait))
	a.ObserveSaved("rates", 250*time.Millisecond)

	counted := lines(t, m)
	for _, line := range []string{
		`hedgerow_proxy_calls_total{api="rates", status="200"} 1`,
		`hedgerow_proxy_calls_total{api="rates", status="2xx"} 1`,
		`hedgerow_proxy_calls_total{api="rates", status="3xx"} 1`,
		`hedgerow_proxy_calls_total{api="rates", status="4xx"} 2`,
		`hedgerow_proxy_calls_total{api="rates", status="5xx"} 1`,
		`hedgerow_proxy_calls_total{api="rates", status="other"} 2`,
		`hedgerow_proxy_calls_total{api="orders", status="200"} 0`,
		`hedgerow_proxy_call_duration_seconds_count{api="rates"} 8`,
		`hedgerow_proxy_answers_past_deadline_total{api="rates"} 7`,
		`hedgerow_proxy_attempts_total{api="rates", kind="first", outcome="won"} 1`,
		`hedgerow_proxy_attempts_total{api="orders", kind="hedge", outcome="refused"} 0`,
		`hedgerow_proxy_attempt_duration_seconds_count{api="rates", kind="first"} 2`,
		`hedgerow_proxy_attempt_failures_total{api="rates", reason="status 5xx"} 1`,
		`hedgerow_proxy_refusals_total{api="rates", kind="first", reason="wait"} 1`,
		`hedgerow_proxy_refusals_total{api="orders", kind="hedge", reason="budget"} 0`,
		`hedgerow_proxy_hedge_saved_seconds_total{api="rates"} 0.25`,
		`hedgerow_proxy_hedge_saved_seconds_total{api="orders"} 0`,
		`hedgerow_proxy_hedge_delay_seconds{api="rates", route=""} 0.5`,
		`hedgerow_proxy_hedge_delay_seconds{api="rates", route="GET /users/{id}"} 0.02`,
		`hedgerow_proxy_hedge_budget{api="rates"} 0.7`,
		`hedgerow_proxy_refusals_total{api="orders", kind="first", reason="quota"} 0`,
		`hedgerow_proxy_quota_requests_per_second{api="rates"} 1.5`,
		`hedgerow_proxy_quota_left{api="rates"} 0.25`,
		`hedgerow_proxy_quota_waits_total{api="rates"} 3`,
		`hedgerow_proxy_quota_wait_seconds_total{api="rates"} 0.25`,
		`hedgerow_proxy_url_last{api="rates", url="1"} 0`,
		`hedgerow_proxy_url_last{api="rates", url="2"} 1`,
		`hedgerow_proxy_connections_total{api="rates"} 1`,
		`hedgerow_proxy_requests_total{api="rates"} 2`,
		`hedgerow_proxy_resends_total{api="rates"} 1`,
		`hedgerow_proxy_unsent_total{api="rates"} 1`,
		`hedgerow_proxy_unsent_total{api="orders"} 0`,
		`hedgerow_proxy_calls_in_flight{api="rates"} 2`,
		`hedgerow_proxy_attempts_in_flight{api="rates"} 5`,
		`hedgerow_proxy_attempts_in_flight_limit{api="rates"} 500`,
		`hedgerow_redis_up 1`,
		`hedgerow_replicas 3`,
		`hedgerow_buffered_bytes 1048576`,
		`hedgerow_buffered_bytes_limit 268435456`,
		`hedgerow_attempts_total{kind="first", outcome="won"} 0`,
		`hedgerow_upstream_requests_total 0`,
	} {
		assert.Contains(t, counted, line)
	}
}

func TestAnAPIThatTheFileDoesNotNameHasNoSeries(t *testing.T) {
	m, a := newAPIs()
	before := series(t, m)
	a.ObserveCall(metrics.Call{Endpoint: "nope", Status: 200, Duration: time.Second})
	a.ObserveAttempt("nope", failed("status", 503))
	a.ObserveConnection("nope")
	a.ObserveRequest("nope", true)
	a.ObserveUnsent("nope")
	a.ObserveSaved("nope", time.Second)
	assert.Equal(t, before, series(t, m))
}

func TestAPIsThatAReloadAddsGetSeriesAndThoseThatItRemovesLoseThem(t *testing.T) {
	m, a := newAPIs()
	a.ObserveCall(metrics.Call{Endpoint: "rates", Status: 200, Duration: time.Second})
	a.Set([]string{"rates", "search"})
	after := lines(t, m)
	assert.NotContains(t, strings.Join(after, "\n"), `"orders"`)
	assert.Contains(t, after, `hedgerow_proxy_calls_total{api="rates", status="200"} 1`, "an API that stays keeps its counts")
	assert.Contains(t, after, `hedgerow_proxy_calls_total{api="search", status="200"} 0`)
	a.ObserveCall(metrics.Call{Endpoint: "orders", Status: 200, Duration: time.Second})
	assert.NotContains(t, strings.Join(series(t, m), "\n"), `"orders"`)
	a.Set([]string{"rates", "search", "orders"})
	assert.Contains(t, lines(t, m), `hedgerow_proxy_calls_total{api="orders", status="200"} 0`)
}

func TestCountingTakesNoMemory(t *testing.T) {
	m, a := newAPIs()
	failure, refusal := failed("status", 503), refused(fanout.KindBudget)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		m.ObserveCall(call(200, time.Second, time.Second))
		m.ObserveAttempt(failure)
		a.ObserveCall(metrics.Call{Endpoint: "rates", Status: 404, Duration: time.Second, Timeout: time.Second})
		a.ObserveAttempt("rates", failure)
		a.ObserveRequest("rates", true)
		m.ObserveAttempt(refusal)
		a.ObserveAttempt("rates", refusal)
		m.ObserveSaved(time.Millisecond)
		a.ObserveSaved("rates", time.Millisecond)
	}))
}
