package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAnAxisCountsInOnesTwosOrFives(t *testing.T) {
	for end, step := range map[float64]float64{
		2490: 500, 2000: 200, 2001: 500, 1000: 100, 10_000: 1000, 5001: 1000, 999: 100, 100: 10, 7: 1, 3: 0.5,
	} {
		assert.InDelta(t, step, niceStep(end), 1e-9, "%v", end)
	}
}

func TestTheAxesOfTheOverloadPictureCountInFiveHundreds(t *testing.T) {
	picture := loadCurve([]load{{offered: 249}, {offered: 2490}})
	assert.Contains(t, picture, ">500<")
	assert.Contains(t, picture, ">2000<")
	assert.NotContains(t, picture, ">249<")
}
