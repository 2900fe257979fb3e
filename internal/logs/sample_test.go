package logs_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/logs"
)

func TestASampleIsOfTheShareAskedFor(t *testing.T) {
	const draws = 100_000
	for share, want := range map[float64]int{0: 0, 0.01: 1000, 0.5: 50_000} {
		sample, drawn := logs.Sample(share), 0
		for range draws {
			if sample() {
				drawn++
			}
		}
		assert.InDelta(t, want, drawn, 10*math.Sqrt(draws*share*(1-share)), "ten times the standard deviation")
	}
	assert.Nil(t, logs.Sample(1), "every time")
}
