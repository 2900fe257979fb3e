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
	// Endpoint is one of the settings' endpoints, or the name of an API of the file.
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

	endpoints map[string]*callSeries // nobody writes to it after New
	attempts  *attemptSeries
}

// New returns metrics at 0.
func New(s Settings) *Metrics {
	v := newVectors(naming{
		prefix: "hedgerow_", upstream: "hedgerow_upstream_", call: "an API call", calls: "API calls", source: "the upstream", by: "endpoint",
	})
	m := &Metrics{registry: prometheus.NewRegistry(), endpoints: map[string]*callSeries{}, attempts: v.newAttempts(s.Reasons)}
	for _, path := range s.Endpoints {
		m.endpoints[path] = v.newCalls(path, s.Statuses, nil)
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "hedgerow_build_info", Help: "Always 1. The label is the build that runs.",
	}, []string{"version"})
	build.WithLabelValues(s.Version).Set(1)
	limit := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hedgerow_attempts_in_flight_limit", Help: "The cap on attempts in flight: HEDGEROW_MAX_IN_FLIGHT.",
	})
	limit.Set(float64(s.MaxInFlight))
	v.register(m.registry)
	m.registry.MustRegister(
		build, limit,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Watched are functions that tell what the service does now. They are called at each scrape, from any goroutine.
type Watched struct {
	// Calls and Attempts are the numbers of those that run now.
	Calls, Attempts func() int
	// HedgeDelay is how long a call with the longest timeout waits for its first attempt.
	HedgeDelay func() time.Duration
	// HedgeBudget is how many hedges the budget has left.
	HedgeBudget func() float64
}

// Watch adds what the service does now. It must be called once.
func (m *Metrics) Watch(w Watched) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_calls_in_flight", Help: "API calls running now.",
		}, func() float64 { return float64(w.Calls()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_attempts_in_flight", Help: "Attempts running now, losers included.",
		}, func() float64 { return float64(w.Attempts()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_hedge_delay_seconds",
			Help: "How long smart waits now for its first attempt before it sends hedges, in a call with the longest timeout.",
		}, func() float64 { return w.HedgeDelay().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_hedge_budget",
			Help: "Hedges that the budget has left. It stays 10 while HEDGEROW_HEDGE_BUDGET is off.",
		}, w.HedgeBudget),
	)
}

// ObserveCall counts an API call answered. A status that is not one of the settings' counts as "other". A call of an endpoint that is
// not one of theirs is not counted.
func (m *Metrics) ObserveCall(c Call) {
	if calls, ok := m.endpoints[c.Endpoint]; ok {
		calls.observe(c)
	}
}

// ObserveAttempt counts an attempt that has ended or was refused.
func (m *Metrics) ObserveAttempt(a fanout.Attempt) { m.attempts.observe(a) }

// ObserveSaved adds the time that a hedge has saved its call at least.
func (m *Metrics) ObserveSaved(d time.Duration) { m.attempts.saved.Add(d.Seconds()) }

// ObserveConnection counts a connection made to the upstream.
func (m *Metrics) ObserveConnection() { m.attempts.connections.Inc() }

// ObserveRequest counts a request sent to the upstream. again: the same request was sent before.
func (m *Metrics) ObserveRequest(again bool) { m.attempts.observeRequest(again) }

// ObserveUnsent counts an attempt that ended before its request was sent.
func (m *Metrics) ObserveUnsent() { m.attempts.unsent.Inc() }

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
