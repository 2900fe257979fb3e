package fanout_test

import (
	"context"
	"testing"
	"time"

	"hedgerow/internal/fanout"
)

// BenchmarkStrategies is the cost of a call without a network: every attempt succeeds at once.
func BenchmarkStrategies(b *testing.B) {
	instant := func(context.Context, fanout.Attempt) (int, error) { return 1, nil }
	service := fanout.New[int](fanout.Settings{LoserGrace: grace, MaxInFlight: 1 << 20})
	for _, s := range []struct {
		name     string
		strategy fanout.Strategy[int]
	}{{"all", fanout.All[int]}, {"first", fanout.First[int]}, {"within-timeout", fanout.WithinTimeout[int]}, {"smart", fanout.Smart[int]}} {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				plan := fanout.Plan[int]{Source: instant, Strategy: s.strategy, Arrival: time.Now(), Timeout: time.Second, Producers: 3, HedgeDelay: hedge}
				if _, err := service.Do(b.Context(), plan); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
