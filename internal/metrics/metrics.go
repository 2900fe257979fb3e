// Package metrics has every metric that Hedgerow exports: its name, unit and labels. All labels come from closed sets, so callers and
// the upstream cannot add series. Every series is there from the start, at 0, so that an alert sees the first event of its kind.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hedgerow/internal/fanout"
)

// durations are the histograms' upper bounds in seconds. They are finest at the times that upstreams and timeouts usually take.
var durations = []float64{.005, .01, .025, .05, .1, .15, .2, .25, .3, .4, .5, .6, .75, 1, 1.5, 2, 3, 5, 10, 30, 60}

// tolerance is how late an answer may be before it counts as past its deadline. The service aims to stay below it in 999 of 1000 calls.
// A smaller tolerance would count the scheduler of a busy machine.
const tolerance = 10 * time.Millisecond

// Settings of the metrics.
type Settings struct {
	// Version of the build.
	Version string
	// Endpoints are the paths whose calls are counted.
	Endpoints []string
	// Statuses are those that a call may be answered with.
	Statuses []int
	// Reasons are those for which an attempt can fail. One stands for all whose codes have the same hundreds.
	Reasons []fanout.Reason
	// MaxInFlight is the cap on attempts in flight.
	MaxInFlight int
}

// Call is a call to the API that has been answered.
type Call struct {
	// Endpoint is one of the settings' endpoints.
	Endpoint string
	Status   int
	// Duration is the time from the arrival of the call to its answer.
	Duration time.Duration
	// Timeout is what the call asked for, 0 when it was not made.
	Timeout time.Duration
}

// Metrics counts what happens. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	calls        *prometheus.CounterVec
	callDuration *prometheus.HistogramVec
	pastDeadline *prometheus.CounterVec

	attempts        *prometheus.CounterVec
	attemptDuration *prometheus.HistogramVec
	failures        *prometheus.CounterVec
	connections     prometheus.Counter
	requests        prometheus.Counter
	resends         prometheus.Counter
	unsent          prometheus.Counter

	series series
}

// New returns metrics at 0.
func New(s Settings) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.describeCalls()
	m.describeAttempts()
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "hedgerow_build_info", Help: "Always 1. The label is the build that runs.",
	}, []string{"version"})
	build.WithLabelValues(s.Version).Set(1)
	limit := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hedgerow_attempts_in_flight_limit", Help: "The cap on attempts in flight: HEDGEROW_MAX_IN_FLIGHT.",
	})
	limit.Set(float64(s.MaxInFlight))
	m.registry.MustRegister(
		m.calls, m.callDuration, m.pastDeadline, m.attempts, m.attemptDuration, m.failures, m.connections, m.requests, m.resends, m.unsent,
		build, limit,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.series = m.newSeries(s)
	return m
}

// WatchInFlight adds the numbers of calls and of attempts that run now. The functions are called at each scrape, from any goroutine.
// It must be called once.
func (m *Metrics) WatchInFlight(calls, attempts func() int) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_calls_in_flight", Help: "API calls running now.",
		}, func() float64 { return float64(calls()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_attempts_in_flight", Help: "Attempts running now, losers included.",
		}, func() float64 { return float64(attempts()) }),
	)
}

func (m *Metrics) describeCalls() {
	m.calls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hedgerow_calls_total",
		Help: "API calls answered. Status 499: the caller went away before its answer.",
	}, []string{"endpoint", "status"})
	m.callDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "hedgerow_call_duration_seconds", Help: "Time from the arrival of an API call to its answer.", Buckets: durations,
	}, []string{"endpoint"})
	m.pastDeadline = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hedgerow_answers_past_deadline_total",
		Help: "API calls answered more than 10 ms after their timeout. The service aims to stay below that in 999 of 1000 calls.",
	}, []string{"endpoint"})
}

func (m *Metrics) describeAttempts() {
	m.attempts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hedgerow_attempts_total",
		Help: "Attempts at the upstream that have ended or were refused. Hedges are attempts that were held back at first.",
	}, []string{"kind", "outcome"})
	m.attemptDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "hedgerow_attempt_duration_seconds", Help: "Time that an attempt ran, whatever its outcome.", Buckets: durations,
	}, []string{"kind"})
	m.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hedgerow_attempt_failures_total",
		Help: "Attempts with the outcome failed, by reason. Statuses are counted by class.",
	}, []string{"reason"})
	m.connections = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hedgerow_upstream_connections_total",
		Help: "Connections made to the upstream. As many as attempts: none is used again.",
	})
	m.requests = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hedgerow_upstream_requests_total", Help: "Requests sent to the upstream: attempts, less those unsent, plus those sent again.",
	})
	m.resends = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hedgerow_upstream_resends_total",
		Help: "Requests sent once more, because a kept connection had ended before the answer began or an HTTP/2 stream was refused.",
	})
	m.unsent = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hedgerow_upstream_unsent_total",
		Help: "Attempts that ended before their request was sent, because they had no connection in time.",
	})
}

// ObserveCall counts an API call answered. A status that is not one of the settings' counts as "other". A call of an endpoint that is
// not one of theirs is not counted.
func (m *Metrics) ObserveCall(c Call) {
	e, ok := m.series.endpoints[c.Endpoint]
	if !ok {
		return
	}
	answered, ok := e.answered[c.Status]
	if !ok {
		answered = e.other
	}
	answered.Inc()
	e.duration.Observe(c.Duration.Seconds())
	if c.Timeout > 0 && c.Duration > c.Timeout+tolerance {
		e.pastDeadline.Inc()
	}
}

// ObserveAttempt counts an attempt that has ended or was refused.
func (m *Metrics) ObserveAttempt(a fanout.Attempt) {
	k := &m.series.first
	if a.Hedge {
		k = &m.series.hedge
	}
	if ended, ok := k.ended[a.Outcome]; ok {
		ended.Inc()
	}
	if a.Outcome == fanout.Failed {
		m.series.failure(a.Reason()).Inc()
	}
	if a.Outcome != fanout.Refused {
		k.duration.Observe(a.Duration.Seconds())
	}
}

// ObserveConnection counts a connection made to the upstream.
func (m *Metrics) ObserveConnection() { m.connections.Inc() }

// ObserveRequest counts a request sent to the upstream. again: the same request was sent before.
func (m *Metrics) ObserveRequest(again bool) {
	m.requests.Inc()
	if again {
		m.resends.Inc()
	}
}

// ObserveUnsent counts an attempt that ended before its request was sent.
func (m *Metrics) ObserveUnsent() { m.unsent.Inc() }

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
