package file_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/hedge"
)

func TestTheHedgesOfARouteDifferInWhatItSays(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte(`
defaults: {hedge: {min: 20ms, budget: 5%}}
apis:
  a:
    url: http://h
    hedge: {delay: p99, max: 2s}
    routes:
      /fixed: {hedge: {delay: 300ms}}
      /off: {hedge: {budget: off}}
      /more: {hedge: {budget: 12.5%, min: 2s, max: 3s}}
`))
	require.NoError(t, err)
	a := read.APIs[0]
	want := a.Hedge
	assert.Equal(t, hedge.Settings{When: hedge.When{Quantile: 990}, Min: 20 * time.Millisecond, Max: 2 * time.Second}, want.Settings)
	assert.InDelta(t, 0.05, float64(want.Budget), 0)
	fixed, off, more := want, want, want
	fixed.When = hedge.When{Delay: 300 * time.Millisecond}
	off.Budget = 0
	more.Budget, more.Min, more.Max = 0.125, 2*time.Second, 3*time.Second
	for i, want := range []any{fixed, off, more} {
		assert.Equal(t, want, a.Routes[i].Hedge)
	}
}

func TestTheHedgesAreDescribedInWords(t *testing.T) {
	for text, want := range map[string]string{
		`{delay: 1m}`:                        "within 1m\n",
		`{delay: 0s, min: 1s}`:               "within 0s\n",
		`{}`:                                 "within p95 of the last minute's attempts, from 10ms to half the timeout\n",
		`{delay: p99.9, min: 1s}`:            "within p99.9 of the last minute's attempts, from 1s to half the timeout\n",
		`{max: 5ms}`:                         "within p95 of the last minute's attempts, from 5ms to 5ms\n",
		`{max: 20ms}`:                        "within p95 of the last minute's attempts, from 10ms to 20ms\n",
		`{delay: p50, min: 20ms, max: 20ms}`: "within p50 of the last minute's attempts, from 20ms to 20ms\n",
		`{budget: 2.50%}`:                    "hedges for 2.5% of the calls by smart that end well, at most 10 at a time; others are refused\n",
		`{budget: off}`:                      "off: nothing bounds the hedges of smart\n",
		`{budget: "off"}`:                    "off: nothing bounds the hedges of smart\n",
	} {
		read, err := reader().Parse("apis.yaml", []byte(`apis: {a: {url: "http://h", hedge: `+text+`}}`))
		require.NoError(t, err, text)
		assert.Contains(t, read.Describe("localhost:5000"), want, text)
	}
}
