package fanout_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"hedgerow/internal/fanout"
)

func instant(context.Context, fanout.Attempt) (int, error) { return 1, nil }

// BenchmarkStrategies is the cost of a call without a network: every attempt succeeds at once.
func BenchmarkStrategies(b *testing.B) {
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

// counter is a Durations of next to no cost.
type counter struct{ n atomic.Int64 }

func (c *counter) Record(time.Duration, bool) { c.n.Add(1) }

// BenchmarkBudget is the cost of a call that pays for hedges and tells its durations, beside one that does neither.
func BenchmarkBudget(b *testing.B) {
	for name, budget := range map[string]float64{"none": 0, "full": 0.1} {
		b.Run(name, func(b *testing.B) {
			service := fanout.New[int](fanout.Settings{LoserGrace: grace, MaxInFlight: 1 << 20})
			plan := fanout.Plan[int]{Source: instant, Strategy: fanout.Smart[int], Timeout: time.Second, Producers: 1, HedgeDelay: hedge, Budget: budget}
			if budget > 0 {
				plan.Durations = &counter{}
			}
			b.ReportAllocs()
			for b.Loop() {
				plan.Arrival = time.Now()
				if _, err := service.Do(b.Context(), plan); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
