package transport

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

func TestEachAttemptCanHaveFieldsThatTheOthersDoNotHave(t *testing.T) {
	for _, body := range []string{"", "body", strings.Repeat("x", 1<<20)} {
		server := faultserver.New(t, faultserver.Raw(ok+two, true))
		origin := newOrigin(t, server)
		r := newRequest(t, http.MethodPut, []byte(body))
		r.Repeatable = true
		for i, with := range []*Request{r.With(http.Header{"X-B": {"2", "3"}}), r.With(http.Header{"X-C": {"4"}}), r, r.With(http.Header{"X-B": {"5"}}).With(http.Header{"X-C": {"6"}})} {
			require.NoError(t, ask(t.Context(), origin, with, Attempt{}).err)
			assert.True(t, with.Repeatable)
			header := server.Request(i).Header
			header.Del("Content-Length")
			assert.Equal(t, []http.Header{
				{"X-A": {"1"}, "X-B": {"2", "3"}}, {"X-A": {"1"}, "X-C": {"4"}}, {"X-A": {"1"}}, {"X-A": {"1"}, "X-B": {"5"}, "X-C": {"6"}},
			}[i], header)
			assert.EqualValues(t, len(body), server.Request(i).ContentLength)
		}
	}
}

func TestTheZoneOfAnAddressIsNotSent(t *testing.T) {
	for host, want := range map[string]string{
		"[fe80::1%eth0]:81": "[fe80::1]:81", "[fe80::1%eth0]": "[fe80::1]", "[::1]:81": "[::1]:81", "api.example:81": "api.example:81", "1.2.3.4": "1.2.3.4",
	} {
		r, err := NewRequest(http.MethodGet, "/", host, nil, nil)
		require.NoError(t, err)
		assert.Equal(t, "GET / HTTP/1.1\r\nHost: "+want+"\r\n\r\n", string(r.message))
	}
}

func TestOverHTTP2AnAttemptHasItsFieldsToo(t *testing.T) {
	s := newH2C(t)
	r := newRequest(t, http.MethodGet, nil)
	assert.Equal(t, "2", ask(t.Context(), s.origin, r.With(http.Header{"X-Echo": {"2"}}), Attempt{}).header.Get("X-Echo"))
	assert.Empty(t, ask(t.Context(), s.origin, r, Attempt{}).header.Get("X-Echo"))
}

func TestAnAttemptWithFieldsOfItsOwnTakesLittleMemory(t *testing.T) {
	r := newRequest(t, http.MethodGet, nil)
	fields := http.Header{"Traceparent": {strings.Repeat("x", 55)}}
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { r.With(fields) }), 4.0)
}
