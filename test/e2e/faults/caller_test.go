package faults

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// badTimeouts are queries and what is wrong with them.
var badTimeouts = map[string]string{
	"":                                     "is missing",
	"?timeout":                             "is empty",
	"?timeout=":                            "is empty",
	"?timeout=100&timeout=100":             "is repeated",
	"?timeout=abc":                         "is not a whole number",
	"?timeout=1.5":                         "is not a whole number",
	"?timeout=1e3":                         "is not a whole number",
	"?timeout=0x10":                        "is not a whole number",
	"?timeout=+5":                          "is not a whole number",
	"?timeout=%2B5":                        "is not a whole number",
	"?timeout=%00":                         "is not a whole number",
	"?timeout=-1":                          "is not a whole number",
	"?timeout=%EF%BC%91%EF%BC%90":          "is not a whole number", // full-width digits
	"?timeout=\xef\xbc\x91\xef\xbc\x90":    "is not a whole number", // the same as raw bytes
	"?timeout=\xff\xfe":                    "is not a whole number",
	"?timeout=%zz":                         "does not parse",
	"?timeout=100;x=1":                     "does not parse",
	"?timeout=100" + manyParameters():      "does not parse",
	"?timeout=0":                           "is out of range",
	"?timeout=60001":                       "is out of range",
	"?timeout=" + strings.Repeat("9", 400): "is out of range",
}

// manyParameters are more than net/url is willing to parse.
func manyParameters() string { return strings.Repeat("&x", 10_001) }

func TestABadTimeoutIsA400WithoutAnUpstreamRequestIn20Milliseconds(t *testing.T) {
	s := start(t, healthy)
	for query, complaint := range badTimeouts {
		for _, path := range strategies {
			name := query[:min(len(query), 40)]
			quickest(t, 20*time.Millisecond, name, func() time.Duration {
				a := raw(t, s.Hedgerow, "GET "+path+query+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				assert.Equal(t, http.StatusBadRequest, a.StatusCode, name)
				assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
				assert.Regexp(t, "^query parameter timeout .*"+complaint, a.Detail, name)
				return a.took
			})
		}
	}
	assert.Zero(t, s.upstream.Requests())
	get(t, s.Hedgerow, "/api/all"+longTimeout)
	assert.Equal(t, 3, s.upstream.Requests(), "a good one is sent to where none of the bad ones were")
}

func TestAMethodThatThereIsNotIsA405WithAllow(t *testing.T) {
	s := start(t, healthy)
	for _, method := range []string{"POST", "PUT", "DELETE", "TRACE"} {
		a, err := call(t, s.Hedgerow, method, "/api/all"+longTimeout)
		require.NoError(t, err)
		assert.Equal(t, http.StatusMethodNotAllowed, a.StatusCode, method)
		assert.Equal(t, "GET, HEAD, OPTIONS", a.Header.Get("Allow"), method)
		assert.NotEmpty(t, a.Detail, method)
	}
	assert.Zero(t, s.upstream.Requests())
}

func TestOptionsIsA204WithAllowAndNothingOfCORS(t *testing.T) {
	s := start(t, healthy)
	a, err := call(t, s.Hedgerow, http.MethodOptions, "/api/all", "Origin", "http://elsewhere.example", "Access-Control-Request-Method", "GET")
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, a.StatusCode)
	assert.Equal(t, "GET, HEAD, OPTIONS", a.Header.Get("Allow"))
	for name := range a.Header {
		assert.NotRegexp(t, "^Access-Control-", name)
	}
}

func TestAPathThatThereIsNotIsA404AndNoRedirect(t *testing.T) {
	s := start(t, healthy)
	for _, path := range []string{"/api/all/", "//api/all", "/API/ALL", "/api%2Fsmart", "/nope"} {
		a := raw(t, s.Hedgerow, "GET "+path+longTimeout+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		assert.Equal(t, http.StatusNotFound, a.StatusCode, path)
		assert.Empty(t, a.Header.Get("Location"), path)
		assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"), path)
		assert.NotEmpty(t, a.Detail, path)
	}
	assert.Zero(t, s.upstream.Requests())
}

var assets = []string{
	"/", "/index.html", "/index.css", "/swagger-initializer.js", "/doc.json", "/swagger-ui.css", "/swagger-ui-bundle.js",
	"/swagger-ui-standalone-preset.js", "/favicon-16x16.png", "/favicon-32x32.png",
}

func TestTheConsolesAssetsAnswer200WhateverTheVeryFirstRequestWas(t *testing.T) {
	for name, first := range map[string]string{
		"a path before the name": "GET /x/index.html HTTP/1.1",
		"an absolute form":       "GET http://elsewhere.example/index.html HTTP/1.1",
		"a name in the query":    "GET /?a=index.html HTTP/1.1",
	} {
		t.Run(name, func(t *testing.T) {
			h := harness.Start(t)
			raw(t, h, first+"\r\nHost: x\r\nConnection: close\r\n\r\n")
			for _, path := range assets {
				a := raw(t, h, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				assert.Equal(t, http.StatusOK, a.StatusCode, path)
				assert.NotEmpty(t, a.body, path)
			}
		})
	}
}

func Test32KiBOfHeadersAreA431(t *testing.T) {
	s := start(t, healthy)
	a := raw(t, s.Hedgerow, "GET /api/all"+longTimeout+" HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 32<<10)+"\r\n\r\n")
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, a.StatusCode)
	assert.Zero(t, s.upstream.Requests())
}

func TestARequestIDIsEchoedAndLoggedWhenItIsValidAndReplacedOtherwise(t *testing.T) {
	s := start(t, healthy)
	const valid = "Root=1-67891233:ab/c.d@e_f+g"
	a := get(t, s.Hedgerow, "/api/all"+longTimeout, "X-Request-Id", valid)
	assert.Equal(t, valid, a.Header.Get("X-Request-Id"))
	s.Log.Wait(t, "request_id", valid)
	for _, bad := range []string{strings.Repeat("x", 10<<10), "<script>alert(1)</script>", "žluťoučký", "\xff", "a b"} {
		a := raw(t, s.Hedgerow, "GET /api/all"+longTimeout+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: "+bad+"\r\n\r\n")
		assert.Equal(t, http.StatusOK, a.StatusCode)
		id := a.Header.Get("X-Request-Id")
		assert.Regexp(t, `^[A-Z2-7]{26}$`, id)
		s.Log.Wait(t, "request_id", id)
		assert.NotContains(t, s.Log.String(), bad)
	}
}

func TestTheLogShowsThePeersAddressWhateverItsHeadersSay(t *testing.T) {
	s := start(t, healthy)
	get(t, s.Hedgerow, "/api/all"+longTimeout, "X-Forwarded-For", "203.0.113.9", "X-Real-Ip", "203.0.113.9", "Forwarded", "for=203.0.113.9",
		"X-Request-Id", "spoofed")
	assert.Regexp(t, `^127\.0\.0\.1:\d+$`, s.Log.Wait(t, "request_id", "spoofed")["remote"])
	assert.NotContains(t, s.Log.String(), "203.0.113.9")
}
