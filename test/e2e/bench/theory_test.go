package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The expected figures were computed apart from this code, by hand from the distribution and by simulation.
func TestTheTheorysFigures(t *testing.T) {
	first, smart := newTheory(firstSurvival), newTheory(smartSurvival)
	for _, f := range []struct {
		name           string
		got            time.Duration
		want, accuracy float64
	}{
		{"first p50", first.quantile(0.5), 220, 1.5},
		{"first p99", first.quantile(0.99), 548, 1.5},
		{"first p99.9", first.quantile(0.999), 592, 1.5},
		{"first mean of the successes", mean(func(t float64) float64 { return 1 - first.cdf(seconds(t)) }), 245.5, 0.5},
		{"smart p50", smart.quantile(0.5), 385, 1.5},
		{"smart p99", smart.quantile(0.99), 786, 1.5},
		{"smart p99.9", smart.quantile(0.999), 881, 1.5},
	} {
		assert.InDelta(t, f.want, ms(f.got), f.accuracy, f.name)
	}
	assert.InDelta(t, 0.0034, first.fails, 0.00005)
	assert.InDelta(t, 2.32, requestsPerCall(), 0.005)
}
