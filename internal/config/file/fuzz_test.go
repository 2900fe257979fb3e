package file_test

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/file"
)

// FuzzParse: whatever the file, it is taken and complete, or refused with problems that have a place in it. No secret shows.
func FuzzParse(f *testing.F) {
	for _, b := range broken {
		f.Add(b.text)
	}
	everything, err := os.ReadFile("testdata/apis.yaml")
	require.NoError(f, err)
	f.Add(string(everything))
	f.Add(strings.ReplaceAll(string(everything), "RATES_TOKEN", "TOKEN"))
	f.Add("apis: {a: {url: 'http://${TOKEN}', example: '/${TOKEN}', set: {A: '${OTHER}'}, success: {if: 'header(\"${TOKEN}\") != \"\"'}}}")
	f.Add("apis: {a: {url: 'http://h', quota: 30/h, hedge: {delay: p99.9, min: 1us, max: 24h, budget: 0.0001%}, routes: {/x: {hedge: {delay: 0s, budget: off}}}}}")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "hunter") {
			return // a secret that the file itself shows
		}
		read, err := reader().Parse("apis.yaml", []byte(text))
		if err != nil {
			assert.Nil(t, read)
			assertPlaces(t, text, err)
			return
		}
		require.NotEmpty(t, read.APIs)
		for _, api := range read.APIs {
			assertComplete(t, &api)
		}
		assert.NotContains(t, read.Describe("localhost:5000"), "hunter2")
	})
}

func assertPlaces(t *testing.T, text string, err error) {
	t.Helper()
	var problems *file.Problems
	require.ErrorAs(t, err, &problems)
	require.NotEmpty(t, problems.List)
	lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
	for _, p := range problems.List {
		require.True(t, p.Line >= 1 && p.Line <= len(lines), p)
		require.True(t, p.Column >= 1 && p.Column <= utf8.RuneCountInString(lines[p.Line-1])+1, p)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		assert.True(t, strings.HasPrefix(line, "apis.yaml:"), line)
		assert.NotContains(t, line, "hunter2")
		assert.NotContains(t, line, "goroutine ")
		assert.False(t, strings.ContainsFunc(line, unicode.IsControl), "%q", line)
	}
}

func assertComplete(t *testing.T, a *file.API) {
	t.Helper()
	assert.NotEmpty(t, a.Name)
	assert.NotContains(t, a.Name, "/")
	require.NotEmpty(t, a.URLs)
	for _, u := range a.URLs {
		parsed := u.Parsed()
		assert.Contains(t, []string{"http", "https"}, parsed.Scheme)
		assert.NotEmpty(t, parsed.Hostname())
		assert.Empty(t, parsed.RawQuery+parsed.Fragment)
		assert.Nil(t, parsed.User)
	}
	for _, h := range a.Set {
		assert.False(t, strings.ContainsAny(h.Value.Value(), "\r\n\x00"))
	}
	for _, route := range append([]file.Route{{Settings: a.Settings}}, a.Routes...) {
		s := route.Settings
		assert.True(t, s.Timeout >= time.Millisecond && s.Timeout <= s.MaxTimeout && s.MaxTimeout <= 24*time.Hour, s.Timeout)
		assert.True(t, s.Attempts >= 1 && s.Attempts <= 100 && (a.MaxInFlight == 0 || s.Attempts <= a.MaxInFlight), s.Attempts)
		assert.GreaterOrEqual(t, s.Hedge.Delay, time.Duration(0))
		assert.True(t, s.Hedge.Quantile == 0 || s.Hedge.Quantile >= 500 && s.Hedge.Quantile < 1000, s.Hedge.Quantile)
		assert.True(t, s.Hedge.Max == 0 || s.Hedge.Min <= s.Hedge.Max, s.Hedge)
		assert.True(t, s.Hedge.Budget >= 0 && s.Hedge.Budget <= 1, s.Hedge.Budget)
		assert.Contains(t, []string{"smart", "first", "all", "within-timeout"}, s.Strategy)
		assert.NotEmpty(t, s.Methods)
		assert.NotContains(t, s.Methods, "TRACE")
		assert.NotEmpty(t, s.Success.Status.String())
		assert.Equal(t, s.Success.If != nil, s.Success.IfText.Value() != "")
		assert.True(t, s.MaxBody >= 1 && s.MaxRequestBody >= 1)
	}
}
