package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hedgerow/internal/quota"
)

// APILoad is what an API does now.
type APILoad struct {
	API string
	// Calls and Attempts run now, losers included.
	Calls, Attempts int
	// MaxAttempts is the cap on attempts.
	MaxAttempts int
	// HedgeDelays is how long a call waits for its first attempt, by the pattern of its route in the file; "" for what no route matches.
	HedgeDelays map[string]time.Duration
	// HedgeBudget is how many hedges the budget has left.
	HedgeBudget float64
	// Quota is what bounds the requests over time.
	Quota quota.Load
	// Last tells of each URL, in the order of the file, whether it is tried last.
	Last []bool
}

// loads asks at each scrape what the APIs do.
type loads struct {
	load                          func() []APILoad
	calls, attempts, maxAttempts  *prometheus.Desc
	hedgeDelay, hedgeBudget, last *prometheus.Desc

	quota, quotaLeft, quotaWaits, quotaWaited *prometheus.Desc
}

func newLoads(load func() []APILoad) *loads {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("hedgerow_proxy_"+name, help, append([]string{"api"}, labels...), nil)
	}
	return &loads{
		load:        load,
		calls:       describe("calls_in_flight", "Calls below /proxy/ running now."),
		attempts:    describe("attempts_in_flight", "Attempts at an API of the file running now, losers included."),
		maxAttempts: describe("attempts_in_flight_limit", "The cap on attempts in flight at an API of the file: its max_in_flight."),
		hedgeDelay: describe("hedge_delay_seconds",
			"How long smart waits now for its first attempt before it sends hedges, in a call with the timeout of its route. "+
				"The route is its pattern in the file, and empty for what no route matches.", "route"),
		hedgeBudget: describe("hedge_budget", "Hedges that an API's budget has left. It stays 10 while the budget is off."),
		last: describe("url_last",
			"1 while an API's URL, by its number in the file, is tried last because it keeps failing while others answer; else 0.", "url"),
		quota:       describe("quota_requests_per_second", "Requests per second that an API's quota allows. APIs without a quota have no series."),
		quotaLeft:   describe("quota_left", "Requests that an API's quota allows at once now."),
		quotaWaits:  describe("quota_waits_total", "First attempts that have waited for their turn in an API's quota."),
		quotaWaited: describe("quota_wait_seconds_total", "Time that first attempts have waited for their turn in an API's quota."),
	}
}

// Describe is part of prometheus.Collector.
func (l *loads) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		l.calls, l.attempts, l.maxAttempts, l.hedgeDelay, l.hedgeBudget, l.last, l.quota, l.quotaLeft, l.quotaWaits, l.quotaWaited,
	} {
		to <- desc
	}
}

// Collect is part of prometheus.Collector.
func (l *loads) Collect(to chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, a := range l.load() {
		gauge(l.calls, float64(a.Calls), a.API)
		gauge(l.attempts, float64(a.Attempts), a.API)
		gauge(l.maxAttempts, float64(a.MaxAttempts), a.API)
		for route, delay := range a.HedgeDelays {
			gauge(l.hedgeDelay, delay.Seconds(), a.API, route)
		}
		gauge(l.hedgeBudget, a.HedgeBudget, a.API)
		for i, last := range a.Last {
			gauge(l.last, zeroOrOne(last), a.API, strconv.Itoa(i+1))
		}
		if a.Quota.PerSecond > 0 {
			gauge(l.quota, a.Quota.PerSecond, a.API)
			gauge(l.quotaLeft, a.Quota.Left, a.API)
			to <- prometheus.MustNewConstMetric(l.quotaWaits, prometheus.CounterValue, float64(a.Quota.Waits), a.API)
			to <- prometheus.MustNewConstMetric(l.quotaWaited, prometheus.CounterValue, a.Quota.Waited.Seconds(), a.API)
		}
	}
}

// zeroOrOne is 1 for true.
func zeroOrOne(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
