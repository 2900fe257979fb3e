package fanout

import "testing"

// BenchmarkHedgeBudget is what the budget costs a call that sends a hedge and ends well.
func BenchmarkHedgeBudget(b *testing.B) {
	var hedges budget
	hedges.fill()
	b.ReportAllocs()
	for b.Loop() {
		hedges.take(1)
		hedges.add(hedgeUnits)
	}
}
