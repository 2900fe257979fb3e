package metrics_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/test/metricstest"
)

func TestSpansAreCountedOnlyWhereThereAreAny(t *testing.T) {
	m := newMetrics()
	assert.Empty(t, metricstest.Of(t, m.Handler()).Series("hedgerow_spans"))
	spans := m.AddTraces([]string{"queue full", "end"})
	assert.Equal(t, []string{
		`hedgerow_spans_exported_total 0`, `hedgerow_spans_lost_total{reason="end"} 0`, `hedgerow_spans_lost_total{reason="queue full"} 0`,
	}, metricstest.Of(t, m.Handler()).Lines("hedgerow_spans"))
	spans.ObserveExported(3)
	spans.ObserveLost("end", 2)
	spans.ObserveLost("unheard of", 1)
	assert.Equal(t, []string{
		`hedgerow_spans_exported_total 3`, `hedgerow_spans_lost_total{reason="end"} 2`, `hedgerow_spans_lost_total{reason="queue full"} 0`,
	}, metricstest.Of(t, m.Handler()).Lines("hedgerow_spans"))
}
