package upstream_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/upstream"
	"hedgerow/test/faultserver"
)

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)
	const decades = 50 * 365 * 24 * time.Hour
	for header, want := range map[string]time.Duration{
		"1":                                 time.Second,
		"0":                                 0,
		"007":                               7 * time.Second,
		"120":                               2 * time.Minute,
		"4294967295":                        4294967295 * time.Second,
		"4294967296":                        4294967295 * time.Second,
		"99999999999999999999999":           4294967295 * time.Second, // far beyond what is waited for
		"Wed, 01 Jul 2026 12:00:05 GMT":     5 * time.Second,
		"Wednesday, 01-Jul-26 12:01:00 GMT": time.Minute, // the obsolete forms
		"Wed Jul  1 12:00:07 2026":          7 * time.Second,
		"Wed, 01 Jul 2026 12:00:00 GMT":     0,
		"Wed, 01 Jul 2026 11:59:59 GMT":     0,
		"Thu, 01 Jan 1970 00:00:00 GMT":     0,
		"":                                  0,
		`"7"`:                               0,
		"-1":                                0,
		"+1":                                0,
		"1.5":                               0,
		"1e3":                               0,
		"0x10":                              0,
		"1_000":                             0,
		"1 s":                               0,
		"1, 2":                              0,
		"soon":                              0,
		"2026-07-01T12:00:05Z":              0,
		"Wed, 31 Jun 2026 12:00:05 GMT":     0,
	} {
		assert.Equal(t, want, upstream.RetryAfter(header, now), header)
	}
	assert.Greater(t, upstream.RetryAfter("Fri, 31 Dec 9999 23:59:59 GMT", now), decades, "no overflow")
}

func TestAnAnswerOfStatus429Or503SaysHowLongToWait(t *testing.T) {
	inAMinute := "Retry-After: " + time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	for name, test := range map[string]struct {
		behaviour faultserver.Behaviour
		least     time.Duration
		most      time.Duration
	}{
		"429":             {faultserver.Status(429, "", "Retry-After: 7"), 7 * time.Second, 7 * time.Second},
		"503":             {faultserver.Status(503, "", "Retry-After:  8 "), 8 * time.Second, 8 * time.Second},
		"503 with a date": {faultserver.Status(503, "", inAMinute), 30 * time.Second, time.Minute},
		"a date after the answer's, by a clock that is slow": {
			faultserver.Status(503, "", "Date: Wed, 01 Jul 2020 12:00:00 GMT", "Retry-After: Wed, 01 Jul 2020 12:00:05 GMT"), 5 * time.Second, 5 * time.Second,
		},
		"a date after the answer's, by a clock that is fast": {
			faultserver.Status(429, "", "Date: Wed, 01 Jul 2950 12:00:00 GMT", "Retry-After: Wed, 01 Jul 2950 12:00:05 GMT"), 5 * time.Second, 5 * time.Second,
		},
		"a date before the answer's":      {faultserver.Status(503, "", "Date: Wed, 01 Jul 2950 12:00:00 GMT", inAMinute), 0, 0},
		"a date, and an invalid Date":     {faultserver.Status(503, "", "Date: today", inAMinute), 30 * time.Second, time.Minute},
		"seconds do not depend on a Date": {faultserver.Status(503, "", "Date: Wed, 01 Jul 2020 12:00:00 GMT", "Retry-After: 7"), 7 * time.Second, 7 * time.Second},
		"the first of two":                {faultserver.Status(503, "", "Retry-After: 1", "Retry-After: 2"), time.Second, time.Second},
		"503 without the header":          {faultserver.Status(503, ""), 0, 0},
		"429 with an invalid one":         {faultserver.Status(429, "", "Retry-After: later"), 0, 0},
		"500: it asks for nothing":        {faultserver.Status(500, "", "Retry-After: 7"), 0, 0},
		"302: it is about a redirect":     {faultserver.Status(302, "", "Retry-After: 7", "Location: /"), 0, 0},
		"200 with an invalid body":        {faultserver.Status(200, "", "Retry-After: 7"), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, faultserver.New(t, test.behaviour).URL).Fetch(t.Context(), fanout.Attempt{})
			var failure *fanout.Failure
			require.ErrorAs(t, err, &failure)
			assert.GreaterOrEqual(t, failure.RetryAfter, test.least)
			assert.LessOrEqual(t, failure.RetryAfter, test.most)
		})
	}
}
