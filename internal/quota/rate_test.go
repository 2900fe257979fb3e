package quota_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/quota"
)

func TestARateIsWrittenAsRequestsInATime(t *testing.T) {
	for text, want := range map[string]struct {
		rate      quota.Rate
		perSecond float64
		burst     int
		reserve   float64
	}{
		"100/s":     {quota.Rate{Requests: 100, Per: time.Second}, 100, 100, 10},
		"5/s":       {quota.Rate{Requests: 5, Per: time.Second}, 5, 5, 1},
		"25/s":      {quota.Rate{Requests: 25, Per: time.Second}, 25, 25, 2.5},
		"1000000/s": {quota.Rate{Requests: 1_000_000, Per: time.Second}, 1e6, 1_000_000, 100_000},
		"600/m":     {quota.Rate{Requests: 600, Per: time.Minute}, 10, 10, 1},
		"90/m":      {quota.Rate{Requests: 90, Per: time.Minute}, 1.5, 1, 1},
		"36000/h":   {quota.Rate{Requests: 36000, Per: time.Hour}, 10, 10, 1},
		"30/h":      {quota.Rate{Requests: 30, Per: time.Hour}, 1. / 120, 1, 1},
	} {
		read, err := quota.ParseRate(text)
		require.NoError(t, err, text)
		assert.Equal(t, want.rate, read)
		assert.Equal(t, text, read.String())
		assert.InDelta(t, want.perSecond, read.PerSecond(), 1e-12, text)
		assert.Equal(t, want.burst, read.Burst(), text)
		assert.InDelta(t, want.reserve, read.Reserve(), 1e-12, text)
	}
}

func TestOffIsNoRate(t *testing.T) {
	off, err := quota.ParseRate("off")
	require.NoError(t, err)
	assert.Zero(t, off)
	assert.Equal(t, "off", off.String())
}

func TestOtherTextsAreNoRate(t *testing.T) {
	const form = "is not a quota: expected requests per second, minute or hour, such as 100/s, 600/m or 30/h, or off"
	const bounds = "is not between 1 and 1000000 requests"
	for text, want := range map[string]string{
		"": form, "100": form, "100/": form, "/s": form, "100/d": form, "100/S": form, "100 / s": form, "1.5/s": form, "-1/s": form, "+1/s": form,
		"1e3/s": form, "100/s/s": form, "99999999999999999999/s": form, "none": form, "0": form, "0/s": bounds, "1000001/h": bounds,
	} {
		_, err := quota.ParseRate(text)
		assert.EqualError(t, err, want, "%q", text)
	}
}
