package metrics_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
	"hedgerow/internal/metrics"
)

func TestWhatHasBeenCountedCanBeReadBack(t *testing.T) {
	m := newMetrics()
	for _, status := range []int{200, 200, 400, 503, 502, 418} {
		m.ObserveCall(call(status, 120*time.Millisecond, time.Second))
	}
	m.ObserveCall(metrics.Call{Endpoint: "/api/all", Status: 504, Duration: 2 * time.Minute, Timeout: time.Second})
	m.ObserveRequest(false)
	m.ObserveRequest(true)
	m.ObserveSaved(1500 * time.Millisecond)
	m.ObserveAttempt(fanout.Attempt{Hedge: true, Outcome: fanout.Won})
	m.ObserveAttempt(fanout.Attempt{Hedge: true, Outcome: fanout.Late})
	m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Won})
	hedge := refused(fanout.KindBudget)
	hedge.Hedge = true
	m.ObserveAttempt(hedge)
	m.ObserveAttempt(refused(fanout.KindCap))

	c := m.Counted()
	assert.EqualValues(t, 7, c.Calls)
	assert.EqualValues(t, 3, c.Failed, "503, 502 and 504")
	assert.EqualValues(t, 2, c.Unmade, "400 and 503")
	assert.EqualValues(t, 2, c.Requests)
	assert.EqualValues(t, 2, c.Hedges)
	assert.EqualValues(t, 1, c.Paid)
	assert.InDelta(t, 1.5, c.Saved, 0)
	assert.EqualValues(t, 1, c.Refused[fanout.KindBudget])
	assert.EqualValues(t, 1, c.Refused[fanout.KindCap])
	assert.Zero(t, c.Refused[fanout.KindPushback])
	assert.Len(t, c.Within, len(c.Bounds))
	for i, bound := range c.Bounds {
		want := uint64(0)
		if bound >= .15 {
			want = 6
		}
		assert.Equal(t, want, c.Within[i], "within %v s", bound)
	}
}

func TestWhatHasBeenCountedOfAnAPIOfTheFileCanBeReadBack(t *testing.T) {
	_, a := newAPIs()
	a.ObserveCall(metrics.Call{Endpoint: "rates", Status: 500, Duration: time.Millisecond})
	a.ObserveCall(metrics.Call{Endpoint: "rates", Status: 508, Duration: time.Millisecond})
	a.ObserveCall(metrics.Call{Endpoint: "rates", Status: 404, Duration: time.Millisecond})
	a.ObserveRequest("rates", false)
	counted := a.Counted()
	assert.Len(t, counted, 2)
	assert.EqualValues(t, 3, counted["rates"].Calls)
	assert.EqualValues(t, 2, counted["rates"].Failed)
	assert.Zero(t, counted["rates"].Unmade, "which of an API's statuses are ours is not known")
	assert.EqualValues(t, 1, counted["rates"].Requests)
	assert.Zero(t, counted["orders"].Calls)
}

// BenchmarkCounted is what the live page asks every two seconds, for /api and two APIs.
func BenchmarkCounted(b *testing.B) {
	m, a := newAPIs()
	b.ReportAllocs()
	for b.Loop() {
		m.Counted()
		a.Counted()
	}
}
