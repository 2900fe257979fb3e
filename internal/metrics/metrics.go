// Package metrics has every metric that Hedgerow exports: its name, unit and labels. All labels come from closed sets, so the
// number of series does not depend on what callers send.
package metrics

import (
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hedgerow/internal/fanout"
)

// durations are the histograms' upper bounds in seconds. They are finest where a third-party API and its timeouts live.
var durations = []float64{.005, .01, .025, .05, .1, .15, .2, .25, .3, .4, .5, .6, .75, 1, 1.5, 2, 3, 5, 10, 30, 60}

// statusClass matches the reason of an attempt that got another status than 200.
var statusClass = regexp.MustCompile(`^(status \d)\d\d$`)

// Metrics counts what happens. It is safe for concurrent use.
type Metrics struct {
	registry        *prometheus.Registry
	calls           *prometheus.CounterVec
	callDuration    *prometheus.HistogramVec
	attempts        *prometheus.CounterVec
	attemptDuration *prometheus.HistogramVec
	failures        *prometheus.CounterVec
}

// New returns metrics of the given build. inFlight returns the number of attempts running now.
func New(version string, inFlight func() int) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hedgerow_calls_total",
			Help: "API calls answered. The status 499 is a caller that went away before.",
		}, []string{"endpoint", "status"}),
		callDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hedgerow_call_duration_seconds", Help: "Time from the arrival of an API call to its answer.", Buckets: durations,
		}, []string{"endpoint"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hedgerow_attempts_total",
			Help: "Attempts at the upstream API that have ended. Hedges are those held back at first.",
		}, []string{"kind", "outcome"}),
		attemptDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hedgerow_attempt_duration_seconds", Help: "Time that an attempt ran, whatever its outcome.", Buckets: durations,
		}, []string{"kind"}),
	}
	m.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hedgerow_attempt_failures_total",
		Help: "Attempts of the outcome failed, by their reason. Statuses are counted by their class.",
	}, []string{"reason"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "hedgerow_build_info", Help: "Always 1; the label tells which build runs.",
	}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(
		m.calls, m.callDuration, m.attempts, m.attemptDuration, m.failures, build,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_attempts_in_flight", Help: "Attempts running now, losers included.",
		}, func() float64 { return float64(inFlight()) }),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// ObserveCall counts an API call answered. endpoint is a route's path.
func (m *Metrics) ObserveCall(endpoint string, status int, duration time.Duration) {
	m.calls.WithLabelValues(endpoint, strconv.Itoa(status)).Inc()
	m.callDuration.WithLabelValues(endpoint).Observe(duration.Seconds())
}

// ObserveAttempt counts an attempt that has ended or was refused.
func (m *Metrics) ObserveAttempt(a fanout.Attempt) {
	kind := "first"
	if a.Hedge {
		kind = "hedge"
	}
	m.attempts.WithLabelValues(kind, string(a.Outcome)).Inc()
	if a.Outcome == fanout.Failed {
		reason := a.Reason()
		m.failures.WithLabelValues(statusClass.ReplaceAllString(reason, "${1}xx")).Inc()
	}
	if a.Outcome != fanout.Refused {
		m.attemptDuration.WithLabelValues(kind).Observe(a.Duration.Seconds())
	}
}

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
