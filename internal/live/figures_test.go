package live

import (
	"encoding/json"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

// counters are those of one API, whose figures are made as Run makes them.
type counters struct {
	apis    []API
	figures *figures
}

func newCounters(names ...string) *counters {
	c := &counters{}
	for _, name := range names {
		c.apis = append(c.apis, API{Name: name, Counted: Counted{Bounds: []float64{.1, .2, .5}, Within: make([]uint64, 3), Refused: map[fanout.Kind]uint64{}}})
	}
	c.figures = newFigures(func() []API {
		read := make([]API, len(c.apis))
		for i, api := range c.apis {
			read[i] = api
			read[i].Within = append([]uint64(nil), api.Within...)
			read[i].Refused = maps.Clone(api.Refused)
		}
		return read
	}, words)
	return c
}

// call counts calls of the first API that took at most .1, .2, .5 seconds or longer.
func (c *counters) call(n ...uint64) {
	for i, more := range n {
		c.apis[0].Calls += more
		for j := i; j < len(c.apis[0].Within); j++ {
			c.apis[0].Within[j] += more
		}
	}
}

func (c *counters) shown(t *testing.T) []shownAPI {
	t.Helper()
	c.figures.sample()
	var shown []shownAPI
	require.NoError(t, json.Unmarshal(c.figures.shown.Load().encoded, &shown))
	return shown
}

func TestTheFiguresAreThoseOfTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounters("rates", "orders")
		c.call(1_000_000)
		assert.Zero(t, c.shown(t)[0].Rate, "what was before is not known")

		api := &c.apis[0]
		c.call(50, 40, 9, 1)
		api.Failed, api.Requests, api.Hedges, api.Paid, api.Saved = 5, 150, 50, 20, 1.5
		api.Refused[fanout.KindBudget] = 7
		api.Refused[fanout.KindCap] = 0
		api.Budgeted, api.Budget, api.CallsInFlight, api.AttemptsInFlight = true, 9.5, 2, 3
		api.ShortestDelay, api.LongestDelay = 20*ms, 300*ms
		time.Sleep(10 * time.Second)
		shown := c.shown(t)
		assert.Equal(t, shownAPI{
			Name: "rates", Rate: 10, P50: 100, P99: 500, Failed: .05, PerCall: 1.5, Hedges: 50, Paid: 20, Saved: 1.5,
			Refused: map[string]uint64{"budget": 7}, Calls: 2, Attempts: 3, Budget: &api.Budget, Delay: [2]float64{20, 300},
		}, shown[0])
		assert.Equal(t, shownAPI{Name: "orders"}, shown[1])

		for range samples {
			time.Sleep(sampleInterval)
			shown = c.shown(t)
		}
		assert.Zero(t, shown[0].Rate, "a minute later they are gone")
		assert.Len(t, c.figures.samples, samples)
	})
}

func TestCallsThatWereNotMadeAreNotAskedForTheirRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounters("")
		c.shown(t)
		time.Sleep(sampleInterval)
		c.call(10)
		c.apis[0].Unmade, c.apis[0].Requests = 6, 12
		assert.InDelta(t, 3, c.shown(t)[0].PerCall, 0)
	})
}

func TestAnAPIThatWasSwappedOutAndInBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounters("rates")
		c.call(100)
		c.apis[0].Requests = 500
		c.shown(t)
		c.apis[0] = newCounters("rates").apis[0]
		time.Sleep(sampleInterval)
		assert.Zero(t, c.shown(t)[0].Rate)
		c.call(200)
		c.apis[0].Requests = 400
		time.Sleep(sampleInterval)
		assert.Less(t, c.shown(t)[0].PerCall, 2.1, "no counter goes backwards")
	})
}

func TestAQuantileIsThatOfPrometheus(t *testing.T) {
	c := newCounters("")
	c.call(10, 80, 8, 2)
	for q, want := range map[float64]float64{.05: .05, .1: .1, .5: .15, .9: .2, .94: .35, .98: .5, .99: .5, 1: .5} {
		assert.InDelta(t, want, c.apis[0].quantile(q), 1e-9, "%v", q)
	}
}

func TestWhatIsSlowIsKnownWithEnoughCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounters("rates")
		c.shown(t)
		c.call(99)
		time.Sleep(sampleInterval)
		c.shown(t)
		assert.False(t, c.figures.isSlow("rates", time.Hour), "too few")
		c.call(1)
		time.Sleep(sampleInterval)
		c.shown(t)
		assert.False(t, c.figures.isSlow("rates", 99*ms), "of 100 calls within .1 s, 99 in 100 take .099 s")
		assert.True(t, c.figures.isSlow("rates", 99*ms+1))
		assert.False(t, c.figures.isSlow("another", time.Hour))
	})
}
