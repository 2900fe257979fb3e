package traces

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tracing makes spans for a scripted collector.
type tracing struct {
	*Traces
	*collector
	told told
}

func newTracing(t *testing.T, script ...func(context.Context) (*http.Response, error)) *tracing {
	t.Helper()
	x := &tracing{collector: newCollector(script...)}
	s := settings(t, &x.told)
	q := newQueue(s)
	to := newExporter(s, q)
	to.client.Transport = x.collector
	x.Traces = start(s, q, to)
	return x
}

// call makes the span of a call without attempts.
func (x *tracing) call(t *testing.T) {
	t.Helper()
	call := x.Watch(Beginning{Request: &http.Request{Method: http.MethodGet}, Route: "/api/all", Arrival: time.Now()})
	require.NotNil(t, call)
	call.Answered(http.StatusOK)
}

func TestSpansAreSentWhenABatchIsFullOrAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTracing(t, answers(http.StatusOK, ""))
		for range 5 {
			x.call(t)
		}
		synctest.Wait()
		assert.Equal(t, 4, x.told.taken())
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 5, x.told.taken())
		assert.Equal(t, []time.Duration{0, time.Second}, x.asked())
		x.call(t)
		x.End()
		assert.Equal(t, 6, x.told.taken(), "the end is no reason to lose any")
		assert.Empty(t, x.told.losses())
		assert.Zero(t, x.queue.waiting.Load())
	})
}

func TestACollectorThatStallsHoldsNoCallAndCostsTheSpansBeyondTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTracing(t, stalls, answers(http.StatusOK, ""))
		began := time.Now()
		for range 100 {
			x.call(t)
			synctest.Wait()
		}
		assert.Zero(t, time.Since(began))
		assert.Equal(t, map[Loss]int{QueueFull: 92}, x.told.losses(), "8 wait, those being sent included")
		lines := x.told.log.Lines("msg", "spans are lost")
		require.Len(t, lines, 1, "once a minute")
		assert.Equal(t, "queue full", lines[0]["reason"])

		time.Sleep(11 * time.Second) // the timeout, and a pause
		synctest.Wait()
		assert.Equal(t, 4, x.told.losses()[ExportFailed], "those that were being sent")
		assert.Equal(t, 4, x.told.taken(), "those that waited")
		for range 8 {
			x.call(t)
		}
		synctest.Wait()
		assert.Equal(t, 12, x.told.taken(), "all is well again")
		x.End()
		lines = x.told.log.Lines("reason", "queue full")
		require.Len(t, lines, 2)
		assert.InDelta(t, 91, lines[1]["spans"], 0, "the end tells of those that the log does not know of yet")
	})
}

func TestACollectorThatStallsDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTracing(t, stalls)
		x.call(t)
		began := time.Now()
		x.End()
		assert.Equal(t, endTimeout, time.Since(began))
		assert.Equal(t, map[Loss]int{Unsent: 1}, x.told.losses())
		assert.Len(t, x.told.log.Lines("reason", "end"), 1)
		time.Sleep(time.Minute) // the process would have ended by then
	})
}
