package hedge_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/hedge"
)

func TestAQuantileIsWrittenAsAPercentile(t *testing.T) {
	for text, want := range map[string]hedge.Quantile{"p50": 500, "p95": 950, "p99": 990, "p99.9": 999, "p50.1": 501} {
		q, err := hedge.ParseQuantile(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, q, text)
		assert.Equal(t, text, q.String())
		assert.Equal(t, text, hedge.When{Quantile: q}.String())
	}
	q, err := hedge.ParseQuantile("p90.0")
	require.NoError(t, err)
	assert.Equal(t, hedge.Quantile(900), q)
	for _, text := range []string{"", "p", "p5", "p49", "p49.9", "p100", "p99.99", "p099", "95", "P95", "p95%", "p-95", "p95.", "p9.5", " p95", "p9５"} {
		_, err := hedge.ParseQuantile(text)
		require.EqualError(t, err, "is not a quantile: expected one from p50 to p99.9", text)
	}
	assert.Equal(t, "300ms", hedge.When{Delay: 300 * ms}.String())
}

func TestABudgetIsWrittenAsAPercentage(t *testing.T) {
	for text, want := range map[string]hedge.Budget{
		"off": 0, "10%": 0.1, "2.5%": 0.025, "100%": 1, "0.0001%": 0.000001, "7%": 0.07, "33.3333%": 0.333333,
	} {
		b, err := hedge.ParseBudget(text)
		require.NoError(t, err, text)
		assert.InDelta(t, float64(want), float64(b), 1e-12, text)
		assert.Equal(t, text, b.String())
	}
	for _, text := range []string{"", "0%", "0.0000%", "100.0001%", "101%", "1000%", "10", "0.1", "-5%", "+5%", "1e1%", "NaN%", "Inf%", "0x1%", "%", "Off", "5 %", ".5%", "1.%", "0.00001%"} {
		_, err := hedge.ParseBudget(text)
		require.EqualError(t, err, "is not a budget: expected a percentage over 0% and up to 100%, such as 10%, or off", text)
	}
}
