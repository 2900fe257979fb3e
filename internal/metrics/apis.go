package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hedgerow/internal/fanout"
)

// classes are the hundreds of the statuses that an API of the file may answer with. Interim answers are not passed on.
var classes = []int{2, 3, 4, 5}

// APISettings are those of the metrics of the APIs of the file.
type APISettings struct {
	// Statuses are those that are counted by number. All others are counted by class.
	Statuses []int
	// Reasons are those for which an attempt can fail. One stands for all whose codes have the same hundreds.
	Reasons []fanout.Reason
	// Load returns what each API does now. It is called at each scrape, from any goroutine.
	Load func() []APILoad
	// Buffered returns the bytes of bodies held now, and MaxBuffered is the most that there may be.
	Buffered    func() int64
	MaxBuffered int64
	// Redis, when set, tells whether Redis has answered when it was asked last, and how many replicas there were when it did.
	Redis func() (up bool, replicas int)
}

// APIs counts what happens at the APIs of the file. What happens at any other name is not counted, so that the names of series come from
// the file alone. It is safe for concurrent use.
type APIs struct {
	vectors  *vectors
	settings APISettings
	mu       sync.Mutex                            // one Set at a time
	series   atomic.Pointer[map[string]*apiSeries] // by API; never written to
}

type apiSeries struct {
	calls    *callSeries
	attempts *attemptSeries
}

// AddAPIs adds the metrics of the APIs of the file, which have no series before Set. It must be called once.
func (m *Metrics) AddAPIs(s APISettings) *APIs {
	a := &APIs{settings: s, vectors: newVectors(naming{
		prefix: "hedgerow_proxy_", upstream: "hedgerow_proxy_", call: "a call below /proxy/", calls: "Calls below /proxy/",
		source: "an API of the file", by: "api", labels: []string{"api"},
	})}
	a.series.Store(&map[string]*apiSeries{})
	limit := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "hedgerow_buffered_bytes_limit", Help: "The most bytes of bodies that may be held: HEDGEROW_MAX_BUFFERED.",
	})
	limit.Set(float64(s.MaxBuffered))
	a.vectors.register(m.registry)
	m.registry.MustRegister(newLoads(s.Load), limit, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hedgerow_buffered_bytes", Help: "Bytes of bodies held now for calls below /proxy/, of requests and answers together.",
	}, func() float64 { return float64(s.Buffered()) }))
	if s.Redis != nil {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_redis_up", Help: "1 when Redis has answered when it was asked last, else 0. Without HEDGEROW_REDIS_URL there is no such series.",
		}, func() float64 {
			up, _ := s.Redis()
			return zeroOrOne(up)
		}), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hedgerow_replicas", Help: "Replicas that shared the quotas when Redis answered last, this one included.",
		}, func() float64 {
			_, replicas := s.Redis()
			return float64(replicas)
		}))
	}
	return a
}

// Set gives each API its series, at 0 if it has none yet, and takes away those of all others.
func (a *APIs) Set(apis []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	gone, after := maps.Clone(*a.series.Load()), map[string]*apiSeries{}
	for _, api := range apis {
		s, ok := gone[api]
		if !ok {
			s = &apiSeries{
				a.vectors.newCalls(api, a.settings.Statuses, classes), a.vectors.newAttempts(a.settings.Reasons, api),
			}
		}
		after[api] = s
		delete(gone, api)
	}
	a.series.Store(&after)
	for api := range gone {
		a.vectors.remove("api", api)
	}
}

// ObserveCall counts a call answered. Its endpoint is the API's name.
func (a *APIs) ObserveCall(c Call) {
	if s, ok := (*a.series.Load())[c.Endpoint]; ok {
		s.calls.observe(c)
	}
}

// ObserveAttempt counts an attempt that has ended or was refused.
func (a *APIs) ObserveAttempt(api string, attempt fanout.Attempt) {
	if s, ok := (*a.series.Load())[api]; ok {
		s.attempts.observe(attempt)
	}
}

// ObserveSaved adds the time that a hedge has saved a call to an API at least.
func (a *APIs) ObserveSaved(api string, d time.Duration) {
	if s, ok := (*a.series.Load())[api]; ok {
		s.attempts.saved.Add(d.Seconds())
	}
}

// ObserveConnection counts a connection made to an API.
func (a *APIs) ObserveConnection(api string) {
	if s, ok := (*a.series.Load())[api]; ok {
		s.attempts.connections.Inc()
	}
}

// ObserveRequest counts a request sent to an API. again: the same request was sent before.
func (a *APIs) ObserveRequest(api string, again bool) {
	if s, ok := (*a.series.Load())[api]; ok {
		s.attempts.observeRequest(again)
	}
}

// ObserveUnsent counts an attempt that ended before its request was sent.
func (a *APIs) ObserveUnsent(api string) {
	if s, ok := (*a.series.Load())[api]; ok {
		s.attempts.unsent.Inc()
	}
}
