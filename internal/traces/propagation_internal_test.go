package traces

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/otel"
	"hedgerow/internal/fanout"
)

func TestTheTraceGoesOnFromTheSpanOfEachAttempt(t *testing.T) {
	r := always()
	c := r.Watch(beginning("Traceparent", parent, "Tracestate", "a=1"))
	for number := range 2 {
		c.Fired(fanout.Attempt{Number: number})
	}
	for number := range 2 {
		fields := c.Trace()(number)
		end(c, fanout.Attempt{Number: number}, fanout.Won, nil)
		id := r.spans.Ended()[number].SpanContext()
		assert.Equal(t, http.Header{
			"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-" + id.SpanID().String() + "-01"}, "Tracestate": {"a=1"},
		}, fields)
	}
	r = newRecorded(otel.Sampler{Ratio: 1}, false)
	c = r.Watch(beginning("Traceparent", parent))
	assert.Nil(t, c.Trace())
	c.Answered(http.StatusOK)
	assert.False(t, r.spans.Ended()[0].Parent().IsValid(), "nor does it come from the caller")
}

func TestWhoDecidesIsTheCallerOrTheRatio(t *testing.T) {
	unsampled := strings.TrimSuffix(parent, "01") + "00"
	for _, test := range []struct {
		sampler otel.Sampler
		parent  string
		sampled bool
	}{
		{otel.Sampler{Ratio: 1, ByParent: true}, unsampled, false}, {otel.Sampler{Ratio: 1}, unsampled, true},
		{otel.Sampler{ByParent: true}, parent, true}, {otel.Sampler{}, parent, false},
		{otel.Sampler{Ratio: 1, ByParent: true}, "", true}, {otel.Sampler{ByParent: true}, "", false},
		{otel.Sampler{Ratio: 1, ByParent: true}, "nonsense", true}, {otel.Sampler{ByParent: true}, parent + "," + parent, false},
	} {
		c := newRecorded(test.sampler, true).Watch(beginning("Traceparent", test.parent))
		assert.Equal(t, test.sampled, c != nil, "%+v", test)
	}
	c := newRecorded(otel.Sampler{ByParent: true}, true).Watch(beginning("Traceparent", parent, "Traceparent", parent))
	assert.Nil(t, c, "two parents are none")
}

func TestARatioIsKept(t *testing.T) {
	r := newRecorded(otel.Sampler{Ratio: 0.1, ByParent: true}, true)
	sampled := 0
	for range 10_000 {
		if c := r.Watch(beginning()); c != nil {
			sampled++
		}
	}
	assert.InDelta(t, 1000, sampled, 300, "which is ten times the standard deviation")
}

func TestACallThatIsNotSampledCostsNextToNothing(t *testing.T) {
	r, b := newRecorded(otel.Sampler{ByParent: true}, true), beginning()
	require.Nil(t, r.Watch(b))
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { r.Watch(b) }), 8.0)
}

func BenchmarkACallThatIsNotSampled(b *testing.B) {
	r, call := newRecorded(otel.Sampler{ByParent: true}, true), beginning()
	b.ReportAllocs()
	for b.Loop() {
		r.Watch(call)
	}
}
