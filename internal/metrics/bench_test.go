package metrics_test

import (
	"testing"
	"time"

	"hedgerow/internal/fanout"
	"hedgerow/internal/metrics"
)

// BenchmarkObserve is what the metrics of a call of three attempts cost: one won, one late, one failed.
func BenchmarkObserve(b *testing.B) {
	m := newMetrics()
	failure := &fanout.Failure{Reason: fanout.Reason{Kind: "status", Code: 500}}
	b.ReportAllocs()
	for b.Loop() {
		m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Won, Duration: 120 * time.Millisecond})
		m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Late, Duration: 130 * time.Millisecond})
		m.ObserveAttempt(fanout.Attempt{Outcome: fanout.Failed, Duration: 140 * time.Millisecond, Err: failure})
		m.ObserveCall(metrics.Call{Endpoint: "/api/first", Status: 200, Duration: 120 * time.Millisecond, Timeout: time.Second})
	}
}
