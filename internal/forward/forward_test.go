package forward_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/forward"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for pair := range slices.Chunk(pairs, 2) {
		h.Add(pair[0], pair[1])
	}
	return h
}

func names(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }

// everything is a request with a field of each kind.
func everything() http.Header {
	return header(
		"Accept", "a", "Accept-Language", "a", "Content-Type", "a", "Content-Language", "a", "Idempotency-Key", "a", "Range", "a",
		"If-Match", "a", "If-None-Match", "a", "If-Modified-Since", "a", "If-Unmodified-Since", "a", "If-Range", "a",
		"Traceparent", "a", "Tracestate", "a",
		"Authorization", "a", "Cookie", "a", "Proxy-Authorization", "a", "User-Agent", "a", "X-Own", "a", "X-Request-Id", "a",
		"Forwarded", "a", "X-Forwarded-For", "a", "X-Forwarded-Anything", "a", "Hedgerow-Timeout", "1", "Hedgerow-Other", "1",
		"Connection", "keep-alive, x-secret", "Connection", "X-Hop", "X-Secret", "a", "X-Hop", "a", "Keep-Alive", "a", "Te", "trailers",
		"Trailer", "a", "Transfer-Encoding", "chunked", "Upgrade", "h2c", "Http2-Settings", "a", "Proxy-Connection", "a",
		"Expect", "100-continue", "Content-Length", "1", "Host", "a", "Via", "1.1 x", "Accept-Encoding", "br, gzip")
}

var usual = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Content-Language", "Content-Type", "Idempotency-Key", "If-Match", "If-Modified-Since",
	"If-None-Match", "If-Range", "If-Unmodified-Since", "Range", "Traceparent", "Tracestate",
}

func TestNothingOfTheCallerGoesOnUnlessItIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		list  []string
		extra []string
	}{
		"the usual list":                        {nil, nil},
		"a name":                                {[]string{"x-own"}, []string{"X-Own"}},
		"a credential by its name":              {[]string{"authorization", "Cookie"}, []string{"Authorization", "Cookie"}},
		"all but credentials":                   {[]string{"*"}, []string{"X-Own", "X-Request-Id"}},
		"all, and a credential by its name":     {[]string{"*", "Authorization", "User-Agent"}, []string{"Authorization", "User-Agent", "X-Own", "X-Request-Id"}},
		"names that never go on, though listed": {[]string{"*", "Forwarded", "X-Forwarded-For", "Te", "Upgrade", "Hedgerow-Timeout", "Connection", "Host", "X-Secret"}, []string{"X-Own", "X-Request-Id"}},
	} {
		passed, dropped := forward.NewRequests(test.list).Header(everything())
		want := slices.Sorted(slices.Values(append(slices.Clone(usual), test.extra...)))
		assert.Equal(t, want, names(passed), name)
		for _, field := range []string{"Authorization", "Cookie", "X-Own", "Forwarded", "X-Forwarded-For"} {
			assert.NotEqual(t, slices.Contains(want, field), slices.Contains(dropped, field), "%s: %s is dropped or passed", name, field)
		}
		for _, field := range []string{"Connection", "X-Secret", "X-Hop", "Hedgerow-Timeout", "Expect", "Content-Length"} {
			assert.NotContains(t, dropped, field, name)
		}
	}
}

func TestWhatIsDoneToAListOfNamesDoesNotChangeTheRule(t *testing.T) {
	forward.Usual()[0], forward.Credentials()[0] = "", ""
	assert.Equal(t, "Accept", forward.Usual()[0])
	assert.Equal(t, "Authorization", forward.Credentials()[0])
}

func TestTheValuesOfAFieldKeepTheirOrder(t *testing.T) {
	passed, _ := forward.NewRequests(nil).Header(header("Accept", "b", "Accept", "a"))
	assert.Equal(t, []string{"b", "a"}, passed["Accept"])
}

func TestTheAPIIsAskedForGzipOnlyWhenTheCallerAcceptsIt(t *testing.T) {
	for accept, want := range map[string]bool{
		"gzip": true, "GZIP": true, "x-gzip": true, "br, gzip;q=0.5": true, "*": true, "deflate, *;q=0.1": true, "gzip; q=1.000": true,
		"": false, "br": false, "identity": false, "gzip;q=0": false, "gzip;q=0.000": false, "gzip ; Q=0": false, "*;q=0": false,
		"gzip;q=0, *": false, "*, gzip;q=0": false, "gzipped": false, "gzip; q = 0 ": false, "gzip;q": true, "gzip;level=0": true,
	} {
		passed, _ := forward.NewRequests([]string{"*", "Accept-Encoding"}).Header(header("Accept-Encoding", accept))
		if want {
			assert.Equal(t, []string{"gzip"}, passed["Accept-Encoding"], accept)
		} else {
			assert.NotContains(t, passed, "Accept-Encoding", accept)
		}
	}
	passed, _ := forward.NewRequests(nil).Header(header("Accept-Encoding", "br", "Accept-Encoding", "gzip"))
	assert.Contains(t, passed, "Accept-Encoding", "the second field")
	passed, _ = forward.NewRequests(nil).Header(header())
	assert.NotContains(t, passed, "Accept-Encoding", "no field")
}

func TestAnAnswersFieldsGoOnButThoseOfItsConnection(t *testing.T) {
	from := header(
		"Content-Type", "a", "X-A", "1", "X-A", "2", "Access-Control-Allow-Origin", "*", "Set-Cookie", "c", "Server", "s",
		"Connection", "X-Hop, close", "X-Hop", "a", "Keep-Alive", "a", "Transfer-Encoding", "gzip", "Trailer", "X-T", "Upgrade", "h2c",
		"Proxy-Authenticate", "a")
	for name, test := range map[string]struct {
		remove, keep, want []string
	}{
		"as it comes": {nil, nil, []string{"Access-Control-Allow-Origin", "Content-Type", "Server", "X-A"}},
		"removed":     {[]string{"server", "X-a"}, nil, []string{"Access-Control-Allow-Origin", "Content-Type"}},
		"kept":        {nil, []string{"X-None", "set-cookie"}, []string{"Access-Control-Allow-Origin", "Content-Type", "Server", "Set-Cookie", "X-A"}},
		"not kept: a connection's": {nil, []string{"Connection", "X-Hop", "Upgrade"},
			[]string{"Access-Control-Allow-Origin", "Content-Type", "Server", "X-A"}},
	} {
		to := http.Header{}
		forward.NewAnswers(test.remove, test.keep).Copy(to, from)
		assert.Equal(t, test.want, names(to), name)
	}
	to := header("X-A", "0")
	forward.NewAnswers(nil, nil).Copy(to, from)
	assert.Equal(t, []string{"0", "1", "2"}, to["X-A"], "what is there stays before it")
	assert.Equal(t, []string{"1", "2"}, from["X-A"], "the answer's own header stays as it is")
}

func TestViaNamesEveryProcessOnTheWay(t *testing.T) {
	via := forward.NewVia("hedgerow-1")
	h := http.Header{}
	via.Add(h, nil, "HTTP/1.1")
	assert.Equal(t, "1.1 hedgerow-1", h.Get("Via"))
	assert.Zero(t, testing.AllocsPerRun(100, func() { via.Add(h, nil, "HTTP/1.1") }), "as a rule nothing is written anew")
	via.Add(h, nil, "HTTP/2.0")
	assert.Equal(t, []string{"2.0 hedgerow-1"}, h["Via"])
	before := []string{"1.0 fred", "2 hedgerow-2"}
	via.Add(h, before, "HTTP/2.0")
	assert.Equal(t, []string{"1.0 fred, 2 hedgerow-2, 2.0 hedgerow-1"}, h["Via"])
	via.Add(h, before[:1], "HTTP/1.1")
	assert.Equal(t, []string{"1.0 fred, 1.1 hedgerow-1"}, h["Via"])
	assert.Equal(t, []string{"1.0 fred", "2 hedgerow-2"}, before)
	shared := []string{"1.0 fred", "2 hedgerow-2"}
	via.Add(h, shared[:1], "HTTP/1.1")
	assert.Equal(t, "2 hedgerow-2", shared[1], "what comes behind the values is not theirs")
}

func TestARequestThatHasBeenHereGoesRoundInACircle(t *testing.T) {
	via := forward.NewVia("hedgerow-1")
	for value, want := range map[string]bool{
		"1.1 hedgerow-1": true, "1.0 fred, 1.1 hedgerow-1 (comment)": true, "HTTP/1.1 hedgerow-1, 1.1 x": true,
		"": false, "1.1 hedgerow-10": false, "1.1 x (hedgerow-1)": false, "hedgerow-1": false,
	} {
		assert.Equal(t, want, via.Seen(header("Via", "1.1 first", "Via", value)), value)
	}
}
