package main

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Without overhead the published settings come to these figures. Those of bhope/hedge's were computed apart from this code, by
// simulation; the others are the published ones, or follow from the shares.
func TestTheTheoryOfThePublishedSettings(t *testing.T) {
	p90, p95 := quantileOf(stragglers.survival, 0.9), quantileOf(longTail.survival, 0.95)
	for _, f := range []struct {
		name           string
		survival       func(float64) float64
		q              float64
		want, accuracy float64 // ms
	}{
		{"stragglers, three attempts, p99", stragglers.hedged(p90, 3), 0.99, 13.7, 0.2},
		{"stragglers, three attempts, p99.9", stragglers.hedged(p90, 3), 0.999, 16.4, 0.2},
		{"stragglers, two attempts, p99", stragglers.hedged(p90, 2), 0.99, 15.5, 0.2},
		{"stragglers, two attempts, p99.9", stragglers.hedged(p90, 2), 0.999, 44.2, 1},
		{"sleepers, one attempt, p95", sleepers.survival, 0.95, 5000, 1},
		{"sleepers, one attempt, p99", sleepers.survival, 0.99, 10_000, 1},
		{"sleepers, p95", sleepers.hedged(0.3, 3), 0.95, 301, 0.1},
		{"sleepers, p99", sleepers.hedged(0.3, 3), 0.99, 301, 0.1},
		{"sleepers, p99.9", sleepers.hedged(0.3, 3), 0.999, 2000, 0.1},
		{"tail, one attempt, p99.9", longTail.survival, 0.999, 1800, 1},
		{"tail, p99.9", longTail.hedged(p95, 2), 0.999, 76, 1},
	} {
		assert.InDelta(t, f.want, 1000*quantileOf(f.survival, f.q), f.accuracy, f.name)
	}
	assert.InDelta(t, 0.2, stragglers.extra(p90, 3), 1e-6)
	assert.InDelta(t, 0.2, sleepers.extra(0.3, 3), 1e-6)
	assert.InDelta(t, 0.05, longTail.extra(p95, 2), 1e-6)
}

func TestAnUpstreamTakesTheTimesOfItsTheory(t *testing.T) {
	const answers = 20_000
	for name, m := range map[string]mixture{"stragglers": stragglers, "long tail": longTail, "healthy": healthy} {
		times := make([]time.Duration, answers)
		for n := range times {
			times[n] = m.sample(int64(n))
		}
		slices.Sort(times)
		assert.Less(t, kolmogorovSmirnov(times, theory{survival: m.survival}), 1.63/math.Sqrt(answers), name)
	}
	slow := 0
	for n := range answers {
		if sleepers.sample(int64(n)) >= 2*time.Second {
			slow++
		}
	}
	assert.InDelta(t, answers/10, slow, 150)
}

func TestAnAnswerTakesTheSameTimeInEachRun(t *testing.T) {
	run := func() (times []time.Duration) {
		for n := range int64(100) {
			times = append(times, longTail.sample(n))
		}
		return times
	}
	first := run()
	assert.Equal(t, first, run())
	slices.Sort(first)
	assert.Len(t, slices.Compact(first), 100, "each has its own")
}
