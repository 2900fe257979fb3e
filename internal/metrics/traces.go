package metrics

import "github.com/prometheus/client_golang/prometheus"

// Traces counts spans. It is safe for concurrent use.
type Traces struct {
	exported prometheus.Counter
	lost     map[string]prometheus.Counter // by reason; nobody writes to it
}

// AddTraces adds the metrics of spans, which may be lost for these reasons. It must be called once.
func (m *Metrics) AddTraces(reasons []string) *Traces {
	t := &Traces{lost: map[string]prometheus.Counter{}, exported: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hedgerow_spans_exported_total", Help: "Spans of calls and attempts that the collector has taken.",
	})}
	lost := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hedgerow_spans_lost_total",
		Help: "Spans that no collector has taken, by reason: too many waited (queue full), it could not be reached in time or refused them " +
			"(export failed), it took the others of their request (rejected), or the process has ended (end).",
	}, []string{"reason"})
	for _, reason := range reasons {
		t.lost[reason] = lost.WithLabelValues(reason)
	}
	m.registry.MustRegister(t.exported, lost)
	return t
}

// ObserveExported counts spans that the collector has taken.
func (t *Traces) ObserveExported(spans int) { t.exported.Add(float64(spans)) }

// ObserveLost counts spans that are lost. A reason that AddTraces has not been told of is not counted.
func (t *Traces) ObserveLost(reason string, spans int) {
	if lost, ok := t.lost[reason]; ok {
		lost.Add(float64(spans))
	}
}
