package http_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABadTimeoutIsA400ThatNamesTheParameterAndTheRange(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for query, complaint := range map[string]string{
		"":                                     "is missing",
		"?":                                    "is missing",
		"?Timeout=100":                         "is missing",
		"?timeout":                             "is empty",
		"?timeout=":                            "is empty",
		"?timeout=100&timeout=100":             "is repeated",
		"?timeout=100&timeout=":                "is repeated",
		"?timeout[]=100":                       "is missing",
		"?timeout=abc":                         "is not a whole number",
		"?timeout=1.5":                         "is not a whole number",
		"?timeout=1e3":                         "is not a whole number",
		"?timeout=0x10":                        "is not a whole number",
		"?timeout=+5":                          "is not a whole number",
		"?timeout=%2B5":                        "is not a whole number",
		"?timeout=-1":                          "is not a whole number",
		"?timeout=1_000":                       "is not a whole number",
		"?timeout=100%20":                      "is not a whole number",
		"?timeout=%00":                         "is not a whole number",
		"?timeout=%EF%BC%95":                   "is not a whole number", // a full-width 5
		"?timeout=0":                           "is out of range",
		"?timeout=60001":                       "is out of range",
		"?timeout=9223372036854775808":         "is out of range",
		"?timeout=18446744073709552616":        "is out of range", // 1000 more than 64 bits hold
		"?timeout=%zz":                         "does not parse",
		"?timeout=100&x=%zz":                   "does not parse",
		"?timeout=100;x=1":                     "does not parse",
		"?timeout=100&a;b":                     "does not parse",
		"?timeout=100" + manyParameters():      "does not parse",
		"?timeout=" + strings.Repeat("9", 400): "is out of range",
	} {
		for _, path := range endpoints {
			p := problem(t, s.get(t, path+query), http.StatusBadRequest)
			assert.Contains(t, p.Detail, "query parameter timeout", query)
			assert.Contains(t, p.Detail, complaint, query)
			assert.Contains(t, p.Detail, "from 1 to 60000", query)
			assert.Empty(t, p.Attempts)
		}
	}
	assert.Zero(t, s.upstream.Requests(), "no upstream request was made")
}

// manyParameters are more than net/url is willing to parse.
func manyParameters() string { return strings.Repeat("&x", 10_001) }

func TestAGoodTimeout(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, query := range []string{"timeout=60000", "timeout=01000", "timeout=%31000", "timeout=5000&x=y", "x=timeout&timeout=5000"} {
		assert.Equal(t, http.StatusOK, s.get(t, "/api/first?"+query).StatusCode, query)
	}
}

func TestTheSmallestTimeoutIsAnsweredByTheContract(t *testing.T) {
	s := newService(t, defaults(), hangs)
	for _, path := range endpoints {
		want := http.StatusGatewayTimeout
		if path == "/api/within-timeout" {
			want = http.StatusOK
		}
		assert.Equal(t, want, s.get(t, path+"?timeout=1").StatusCode, path)
	}
}

func TestAnUnknownPathIsA404AndNoRedirect(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, path := range []string{
		"/nope", "/api", "/api/", "/api/all/", "//api/all", "/API/ALL", "/api%2Fsmart", "/api/first/x", "/x/index.html", "/favicon.ico",
		"/api/%61ll", "/./api/all", "/swagger-ui.js", "/metrics", "/debug/pprof/",
	} {
		a := s.raw(t, "GET "+path+"?timeout=1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		problem(t, a, http.StatusNotFound)
		assert.Empty(t, a.Header.Get("Location"))
	}
	assert.Zero(t, s.upstream.Requests())
}

func TestAnotherMethodIsA405WithAllow(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, path := range append(endpoints, "/", "/livez", "/index.html") {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "PROPFIND"} {
			a := s.do(t, method, path+"?timeout=1000")
			problem(t, a, http.StatusMethodNotAllowed)
			assert.Equal(t, "GET, HEAD, OPTIONS", a.Header.Get("Allow"))
		}
	}
	assert.Zero(t, s.upstream.Requests())
}

func TestOptionsIs204WithAllowAndNothingOfCORS(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, path := range append(endpoints, "/") {
		a := s.do(t, "OPTIONS", path, "Origin", "http://elsewhere.example", "Access-Control-Request-Method", "GET")
		assert.Equal(t, http.StatusNoContent, a.StatusCode)
		assert.Equal(t, "GET, HEAD, OPTIONS", a.Header.Get("Allow"))
		assert.Empty(t, a.body)
		assertNoCORS(t, a)
	}
	a := s.raw(t, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	assert.Equal(t, http.StatusNoContent, a.StatusCode, "of the server as a whole")
	assert.Equal(t, "GET, HEAD, OPTIONS", a.Header.Get("Allow"))
	assert.NotEmpty(t, a.Header.Get("X-Request-Id"), "it is ours")
	assertNoCORS(t, a)
	problem(t, s.raw(t, "GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), http.StatusNotFound)
	problem(t, s.do(t, "OPTIONS", "/nope"), http.StatusNotFound)
	for _, target := range []string{"/api/first?timeout=5000", "/api/first", "/nope", "/", "/livez"} {
		assertNoCORS(t, s.do(t, "GET", target, "Origin", "http://elsewhere.example"))
	}
}

func assertNoCORS(t *testing.T, a answer) {
	t.Helper()
	for name := range a.Header {
		assert.False(t, strings.HasPrefix(name, "Access-Control-"), name)
	}
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for target, status := range map[string]int{
		"/api/first?timeout=5000": 200, "/api/first": 400, "/livez": 200, "/": 200, "/swagger-ui.css": 200, "/nope": 404,
	} {
		a := s.do(t, "HEAD", target)
		assert.Equal(t, status, a.StatusCode, target)
		assert.Empty(t, a.body)
	}
	s.upstream.WaitForRequests(t, 3)
}

func TestARequestID(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, valid := range []string{"Root=1-67891233:ab/c.d@e_f+g", "azAZ09", strings.Repeat("x", 128)} {
		a := s.do(t, "GET", "/api/first?timeout=5000", "X-Request-Id", valid)
		assert.Equal(t, valid, a.Header.Get("X-Request-Id"), "a valid one is echoed")
		s.log.Wait(t, "request_id", valid)
	}

	seen := map[string]bool{}
	for _, bad := range []string{"", "<b>x</b>", "é", "a b", "a\tb", "a[b", "a`b", "a{b", strings.Repeat("x", 129), strings.Repeat("x", 10<<10)} {
		id := s.do(t, "GET", "/livez", "X-Request-Id", bad).Header.Get("X-Request-Id")
		assert.NotEqual(t, bad, id)
		assert.Regexp(t, `^[A-Z2-7]{26}$`, id)
		assert.False(t, seen[id], "each request has its own")
		seen[id] = true
	}
}

func TestTheLogShowsThePeersAddress(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	s.do(t, "GET", "/livez", "X-Forwarded-For", "203.0.113.9", "X-Real-Ip", "203.0.113.9", "X-Request-Id", "spoofed")
	assert.Regexp(t, `^127\.0\.0\.1:\d+$`, s.log.Wait(t, "request_id", "spoofed")["remote"])
}

func TestTheLogTellsOfACall(t *testing.T) {
	s := newService(t, defaults(), fails, answers(1), hangs)
	s.do(t, "GET", "/api/first?timeout=5000", "X-Request-Id", "told")
	line := s.log.Wait(t, "request_id", "told")
	for key, value := range map[string]any{
		"level": "INFO", "method": "GET", "path": "/api/first", "status": 200.0, "timeout_ms": 5000.0,
	} {
		assert.Equal(t, value, line[key], key)
	}
	assert.Positive(t, line["duration_ms"])
	assert.Contains(t, line["attempts"], "won ")
}

func TestAProbeIsLoggedAtTheLevelDebug(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, path := range []string{"/livez", "/readyz"} {
		s.get(t, path)
		assert.Equal(t, "DEBUG", s.log.Wait(t, "path", path)["level"])
	}
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, target := range []string{"/api/first?timeout=5000", "/api/first", "/nope", "/", "/swagger-ui.css", "/livez"} {
		h := s.get(t, target).Header
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), target)
		assert.Equal(t, "DENY", h.Get("X-Frame-Options"), target)
		assert.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), target)
		assert.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", target)
		assert.Contains(t, h.Get("Content-Security-Policy"), "frame-ancestors 'none'", target)
	}
}

func TestTheConsolesLinksDoNotTellWhereTheyWereFollowed(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	assert.Equal(t, "no-referrer", s.get(t, "/").Header.Get("Referrer-Policy"))
}

func TestTooManyHeadersAreA431(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	a := s.raw(t, "GET /api/first?timeout=1000 HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 32<<10)+"\r\n\r\n")
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, a.StatusCode)
	assert.Zero(t, s.upstream.Requests())
}

// raw sends a request as it is on a connection of its own.
func (s *service) raw(t *testing.T, request string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprint(conn, request)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response, string(body)}
}

// bodyRequest is a GET with a body of five bytes, of which sent are sent.
func bodyRequest(path, sent string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n" + sent
}

func TestABodyThatNeverComesDelaysNoAnswer(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for target, status := range map[string]int{"/api/first?timeout=5000": 200, "/api/first": 400, "/nope": 404, "/livez": 200} {
		for _, sent := range []string{"", "ab", "abcde"} {
			began := time.Now()
			assert.Equal(t, status, s.raw(t, bodyRequest(target, sent)).StatusCode, target)
			assert.Less(t, time.Since(began), 4*time.Second, "net/http would wait for the body, %s", target)
		}
	}
}

func TestACallerThatHangsUpIsNoticedWhateverBecameOfItsBody(t *testing.T) {
	for _, sent := range []string{"", "ab", "abcde"} {
		s := newService(t, defaults(), hangs)
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		_, err = fmt.Fprint(conn, bodyRequest("/api/first?timeout=60000", sent))
		require.NoError(t, err)
		s.upstream.WaitForRequests(t, 3)
		require.NoError(t, conn.Close())
		s.log.Wait(t, "status", 499.0)
	}
}

func TestAConnectionIsKeptAfterABodyThatCame(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for range 3 {
		_, err = fmt.Fprint(conn, bodyRequest("/api/first?timeout=5000", "abcde"))
		require.NoError(t, err)
		response, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, response.StatusCode)
	}
}
