package live

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"hedgerow/internal/fanout"
)

// Counted is what the metrics have counted of an API since the process started.
type Counted struct {
	// Calls were answered, Failed of them with an error. Unmade were not made, so that they cannot have sent a request.
	Calls, Failed, Unmade uint64
	// Within are the calls that took at most as many seconds as Bounds says at the same place.
	Bounds []float64
	Within []uint64
	// Requests were sent. Hedges are attempts sent that were held back at first, Paid those of them that won.
	Requests, Hedges, Paid uint64
	// Saved are the seconds that hedges have saved at least.
	Saved float64
	// Refused are attempts that were not sent, by the kind of their reason.
	Refused map[fanout.Kind]uint64
}

// API is what is known of an API at a moment.
type API struct {
	// Name is the API's name in the file, empty for what is below /api.
	Name string
	Counted
	// Calls and Attempts run now.
	CallsInFlight, AttemptsInFlight int
	// ShortestDelay and LongestDelay are how long a call waits now before its hedges go, over all routes.
	ShortestDelay, LongestDelay time.Duration
	// Budgeted says that a budget bounds the hedges of some calls. Budget is how many of them it has left.
	Budgeted bool
	Budget   float64
}

const (
	// sampleInterval is how often the counters are read, whether someone looks or not: a page that opens has the last minute at once.
	sampleInterval = 2 * time.Second
	// samples are those of one minute, and the one before it.
	samples = int(time.Minute/sampleInterval) + 1
	// fewCalls are too few to tell which of them are slow.
	fewCalls = 100
)

// figures are what the last minute was like for each API. One goroutine samples.
type figures struct {
	read    func() []API
	words   func(fanout.Reason) string
	samples []sample // the oldest first

	shown atomic.Pointer[shownFigures]
	slow  atomic.Pointer[map[string]time.Duration] // 99 in 100 calls of an API took less; only of those with enough calls
}

type sample struct {
	at   time.Time
	apis map[string]Counted
}

// shownFigures are the figures as JSON. Each new one has another number.
type shownFigures struct {
	number  uint64
	encoded []byte
}

func newFigures(read func() []API, words func(fanout.Reason) string) *figures {
	f := &figures{read: read, words: words}
	f.shown.Store(&shownFigures{encoded: []byte("[]")})
	f.slow.Store(&map[string]time.Duration{})
	return f
}

// isSlow tells whether a call took longer than 99 in 100 calls to the API in the last minute, as far as the histogram's bounds can tell.
func (f *figures) isSlow(api string, took time.Duration) bool {
	most, known := (*f.slow.Load())[api]
	return known && took > most
}

// shownAPI is what the page gets. Times are in milliseconds, but for what was saved.
type shownAPI struct {
	Name     string            `json:"api"`
	Rate     float64           `json:"rate"` // calls per second
	P50      float64           `json:"p50,omitempty"`
	P99      float64           `json:"p99,omitempty"`
	Failed   float64           `json:"failed"`            // share of calls
	PerCall  float64           `json:"perCall,omitempty"` // requests
	Hedges   uint64            `json:"hedges"`
	Paid     uint64            `json:"paid"`
	Saved    float64           `json:"saved"` // seconds
	Refused  map[string]uint64 `json:"refused,omitempty"`
	Calls    int               `json:"calls"` // in flight
	Attempts int               `json:"attempts"`
	Budget   *float64          `json:"budget,omitempty"` // nil: nothing bounds the hedges
	Delay    [2]float64        `json:"delay"`
}

// sample reads the counters and makes the figures of the minute that ends now.
func (f *figures) sample() {
	now, apis := time.Now(), f.read()
	counted := make(map[string]Counted, len(apis))
	slow := make(map[string]time.Duration, len(apis))
	shown := make([]shownAPI, len(apis))
	for i, api := range apis {
		counted[api.Name] = api.Counted
		lately, over := f.lately(api, now)
		shown[i] = f.show(api, lately, over)
		if lately.Calls >= fewCalls {
			slow[api.Name] = time.Duration(lately.quantile(.99) * float64(time.Second))
		}
	}
	if len(f.samples) == samples {
		f.samples = append(f.samples[:0], f.samples[1:]...)
	}
	f.samples = append(f.samples, sample{now, counted})
	encoded, err := json.Marshal(shown)
	if err != nil {
		panic(err) // no value of it can fail
	}
	f.slow.Store(&slow)
	f.shown.Store(&shownFigures{f.shown.Load().number + 1, encoded})
}

// lately is what has been counted of an API in the last minute, and how long that was. An API that was swapped out meanwhile begins anew.
func (f *figures) lately(api API, now time.Time) (Counted, time.Duration) {
	for _, s := range f.samples {
		if before, ok := s.apis[api.Name]; ok && before.Calls <= api.Calls {
			return api.since(before), now.Sub(s.at)
		}
	}
	return Counted{}, 0
}

func (f *figures) show(api API, lately Counted, over time.Duration) shownAPI {
	shown := shownAPI{
		Name: api.Name, Calls: api.CallsInFlight, Attempts: api.AttemptsInFlight,
		Delay: [2]float64{milliseconds(api.ShortestDelay), milliseconds(api.LongestDelay)},
	}
	if api.Budgeted {
		shown.Budget = &api.Budget
	}
	if lately.Calls > 0 {
		shown.Rate = float64(lately.Calls) / over.Seconds()
		shown.Failed = float64(lately.Failed) / float64(lately.Calls)
		shown.P50, shown.P99 = 1000*lately.quantile(.5), 1000*lately.quantile(.99)
	}
	if made := minus(lately.Calls, lately.Unmade); made > 0 {
		shown.PerCall = float64(lately.Requests) / float64(made)
	}
	shown.Hedges, shown.Paid, shown.Saved = lately.Hedges, lately.Paid, lately.Saved
	for kind, n := range lately.Refused {
		if n > 0 {
			if shown.Refused == nil {
				shown.Refused = map[string]uint64{}
			}
			shown.Refused[f.words(fanout.Reason{Kind: kind})] = n
		}
	}
	return shown
}

// since is what was counted after before.
func (c Counted) since(before Counted) Counted {
	within := make([]uint64, len(c.Within))
	for i := range within {
		within[i] = minus(c.Within[i], before.Within[i])
	}
	refused := make(map[fanout.Kind]uint64, len(c.Refused))
	for kind, n := range c.Refused {
		refused[kind] = minus(n, before.Refused[kind])
	}
	return Counted{
		Calls: c.Calls - before.Calls, Failed: minus(c.Failed, before.Failed), Unmade: minus(c.Unmade, before.Unmade),
		Bounds: c.Bounds, Within: within, Requests: minus(c.Requests, before.Requests), Hedges: minus(c.Hedges, before.Hedges),
		Paid: minus(c.Paid, before.Paid), Saved: max(0, c.Saved-before.Saved), Refused: refused,
	}
}

// minus is a - b, 0 where b is more: counters are read one after the other, and an API that was swapped out and in again begins at 0.
func minus(a, b uint64) uint64 { return a - min(a, b) }

// quantile is the time in seconds that a share q of the calls took at most, as Prometheus' histogram_quantile has it: evenly spread
// between two bounds, and the last bound for all above it. There must be a call.
func (c Counted) quantile(q float64) float64 {
	rank := q * float64(c.Calls)
	var lower, below float64
	for i, bound := range c.Bounds {
		within := float64(c.Within[i])
		if within >= rank {
			return lower + (bound-lower)*(rank-below)/(within-below)
		}
		lower, below = bound, within
	}
	return lower
}
