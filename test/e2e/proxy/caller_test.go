package proxy

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/rawhttp"
)

func TestAPathWithoutTheNameOfAnAPIIsA404AndSendsNothing(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, "  a: {url: '"+a.URL()+"'}\n", a)
	for _, target := range []string{"/proxy/nope/x", "/proxy//x", "/proxy", "/proxy/", "/proxy/A/x", "/proxy/%61/x", "/PROXY/a/x", "/%70roxy/a/x", "//proxy/a/x"} {
		got := s.ask(t, "GET "+target)
		assert.Equal(t, "404", got.Status(), target)
		assert.Equal(t, []string{"Content-Type: application/problem+json"}, got.All("Content-Type"), target)
	}
	assert.Empty(t, a.Received())
}

func TestAPathIsPassedOnUnchangedOrA400(t *testing.T) {
	for _, base := range []string{"", "/v1", "/v1/", "/v%2F1"} {
		a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
		s := start(t, "  a: {url: '"+a.URL()+base+"'}\n", a)
		for _, path := range []string{
			"/../b", "/%2e%2e", "/.%2e", "/%2E%2E%2f", "/..;", "/x/..;y/z", "/a%2f..%2fb", "/.", "/%2e", "/x/.;/y", `/\`, `/..\x`, "/%5c..", "/%00", "/%0d%0aX:1",
			"/x%zz", "/x%", "/x%4", "/\xff", "/caf\xc3\xa9", "/x\ty", "/\"", "/<x>", "/^", "/`", "/{x}", "/x#y",
		} {
			got := s.exchange(t, "GET /proxy/a"+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			assert.Contains(t, got, "HTTP/1.1 400 ", "%q", path)
		}
		for _, target := range []string{"http://evil/proxy/a/x", "//evil/proxy/a/x", "http://127.0.0.1/proxy/a/x"} {
			assert.Contains(t, []string{"400", "404"}, s.ask(t, "GET "+target).Status(), target)
		}
		require.Empty(t, a.Received(), "never another host or path than the file's")
		for _, path := range []string{
			"", "/", "//b", "//evil.example/x", "///", "/%2F", "/%252e", "/%252e%252e", "/...", "/..x", "/x;..", "/[1]|x", "/a//b", "/x%2fy%5B%7c",
			"/!$&'()*+,;=:@-._~", "/%E2%82%AC", "/@evil.example/", "/:80/x", "//x|y", "//[x]|", "//x%7Cy", "/.%252e",
		} {
			got := s.ask(t, "GET /proxy/a"+path+"?q")
			want := strings.TrimSuffix(base, "/") + path
			if path == "" {
				want = base
			}
			if want == "" {
				want = "/"
			}
			assert.Equal(t, "200", got.Status(), path)
			request := only(t, a)
			assert.Equal(t, "GET "+want+"?q HTTP/1.1", request.Line)
			assert.Equal(t, []string{"Host: " + a.Addr().String()}, request.All("Host"))
		}
	}
}

func TestTRACEAndCONNECTAreA405AndSendNothing(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, "  a: {url: '"+a.URL()+"', methods: [GET, POST]}\n", a)
	for _, line := range []string{"TRACE /proxy/a/x", "CONNECT /proxy/a/x", "CONNECT evil.example:443", "CONNECT " + a.Addr().String()} {
		got := s.ask(t, line)
		assert.Equal(t, "405", got.Status(), line)
		assert.Len(t, got.All("Allow"), 1, line)
		assert.Equal(t, []string{"Content-Type: application/problem+json"}, got.All("Content-Type"), line)
	}
	assert.Empty(t, a.Received())
}

func TestAQueryIsPassedOnByteForByte(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, "  a: {url: '"+a.URL()+"/v1'}\n", a)
	for _, query := range []string{
		"?a=1;b=2", "?a=%zz", "?f[a]={x|y}^", "?" + strings.Repeat("a&", 7500), "?timeout=5", "?", "??", "?a=b?c=d", "?/../..", `?\"<>` + "`", "?a=+%20&&=", "",
	} {
		name := query[:min(len(query), 20)]
		assert.Equal(t, "200", s.ask(t, "GET /proxy/a/x"+query).Status(), name)
		assert.Equal(t, "GET /v1/x"+query+" HTTP/1.1", only(t, a).Line, name)
	}
	for _, query := range []string{"?a=\xff", "?a#b", "?a\tb", "?\x7f"} {
		assert.Equal(t, "400", s.ask(t, "GET /proxy/a/x"+query).Status(), "%q", query)
	}
	assert.Empty(t, a.Received())
}

func TestABadControlHeaderIsA400ThatNamesItAndWhatIsAllowed(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, "  a: {url: '"+a.URL()+"', max_timeout: 2s}\n", a)
	for _, value := range []string{"", "1.5", "0", "2001", "-1", "+5", "1e3", "0x10", "abc", "1 2", "5,5", strings.Repeat("9", 400), "\xef\xbc\x91"} {
		got := s.ask(t, "GET /proxy/a/x", "Hedgerow-Timeout: "+value)
		assert.Equal(t, "400", got.Status(), value)
		assert.Contains(t, got.Body, "header Hedgerow-Timeout", value)
		assert.Contains(t, got.Body, "from 1 to 2000", value)
	}
	for _, fields := range [][]string{
		{"Hedgerow-Strategy: nope"}, {"Hedgerow-Strategy:"}, {"Hedgerow-Strategy: First"}, {"Hedgerow-Strategy: first", "hedgerow-strategy: first"},
	} {
		got := s.ask(t, "GET /proxy/a/x", fields...)
		assert.Equal(t, "400", got.Status(), fields)
		assert.Contains(t, got.Body, "header Hedgerow-Strategy")
		assert.Contains(t, got.Body, "one of smart, first, all, within-timeout")
	}
	assert.Equal(t, "400", s.ask(t, "GET /proxy/a/x", "Hedgerow-Timeout: 5", "HEDGEROW-TIMEOUT: 5").Status())
	assert.Empty(t, a.Received())
	assert.Equal(t, "200", s.ask(t, "GET /proxy/a/x", "Hedgerow-Timeout: 2000", "Hedgerow-Strategy: first").Status())
	assert.NotContains(t, strings.ToLower(strings.Join(a.Received(), "")), "\nhedgerow-", "controls never reach the API")
}

func TestWhatBelongsToTheConnectionOrTheCallerDoesNotReachTheAPI(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, "  a: {url: '"+a.URL()+"', strategy: first, attempts: 1}\n  star: {url: '"+a.URL()+"', strategy: first, attempts: 1, forward: {headers: ['*']}}\n", a)
	for _, field := range []string{
		"TE: trailers", "Upgrade: h2c", "Upgrade: websocket", "Proxy-Authorization: Basic x", "Cookie: a=b", "Authorization: Bearer x",
		"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Anything: x", "Forwarded: for=1.2.3.4", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
		"Trailer: X-T", "Expect: 100-continue", "Accept-Encoding: br",
	} {
		for _, name := range []string{"a", "star"} {
			assert.Equal(t, "200", s.ask(t, "GET /proxy/"+name+"/x", field).Status(), field)
			request := only(t, a)
			assert.Empty(t, request.All(rawhttp.NameOf(field)), field)
			assert.Len(t, request.Fields, 3, "Host, User-Agent and Via: %q", request.Fields)
		}
	}
	got := rawhttp.Split(s.exchange(t, "GET /proxy/star/x HTTP/1.1\r\nHost: x\r\nConnection: X-Secret, keep-alive, close\r\nX-Secret: 1\r\nx-secret: 2\r\nX-Other: 1\r\nX-Other: 2\r\n\r\n"))
	assert.Equal(t, "200", got.Status())
	request := only(t, a)
	assert.Empty(t, request.All("X-Secret"))
	assert.Empty(t, request.All("Connection"))
	assert.Equal(t, []string{"X-Other: 1", "X-Other: 2"}, request.All("X-Other"), "repeated fields keep their order")

	via := strings.TrimPrefix(request.All("Via")[0], "Via: ")
	assert.Equal(t, "508", s.ask(t, "GET /proxy/a/x", "Via: "+via).Status(), "it goes round in a circle")
	assert.Equal(t, "508", s.ask(t, "GET /proxy/a/x", "Via: 1.0 fred (a comment)", "Via: 1.1 other, "+via).Status())
	assert.Empty(t, a.Received())
	assert.Equal(t, "200", s.ask(t, "GET /proxy/a/x", "Via: 1.0 fred").Status())
	assert.Equal(t, []string{"Via: 1.0 fred, " + via}, only(t, a).All("Via"))
}

const post = "  a: {url: '%s', methods: [POST, PATCH, PUT, DELETE], max_request_body: 1KiB, max_timeout: 20s}\n"

func TestABodyReachesTheAPIOnceWithTheSameBytes(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, fmt.Sprintf(post, a.URL()), a)
	whole := strings.Repeat("\x00\xffx\r\n", 204) + "1234" // 1 KiB
	for name, test := range map[string]struct{ fields, body, want string }{
		"a length":              {"Content-Length: 1024", whole, whole},
		"chunks":                {"Transfer-Encoding: chunked", "400;ext=1\r\n" + whole + "\r\n0\r\n\r\n", whole},
		"chunks with trailers":  {"Transfer-Encoding: chunked\r\nTrailer: X-T", "1\r\na\r\n2\r\nbc\r\n0\r\nX-T: 1\r\n\r\n", "abc"},
		"no body":               {"Content-Length: 0", "", ""},
		"no chunks":             {"Transfer-Encoding: chunked", "0\r\n\r\n", ""},
		"a key":                 {"Content-Length: 3\r\nIdempotency-Key: k", "abc", "abc"},
		"a key and no body":     {"Content-Length: 0\r\nIdempotency-Key: k", "", ""},
		"the same length twice": {"Content-Length: 3\r\nContent-Length: 3", "abc", "abc"},
	} {
		for _, method := range []string{"POST", "PATCH", "PUT"} {
			got := s.send(t, method+" /proxy/a/x", test.body, strings.Split(test.fields, "\r\n")...)
			require.Equal(t, "200", got.Status(), name)
			request := only(t, a)
			assert.Equal(t, test.want, request.Body, name)
			assert.Equal(t, []string{fmt.Sprintf("Content-Length: %d", len(test.want))}, request.All("Content-Length"), "%s %s: one true length", method, name)
			assert.Empty(t, request.All("Transfer-Encoding"), name)
			assert.Empty(t, request.All("X-T"), name)
		}
	}
}

func TestExpect100ContinueIsAnsweredBeforeTheBody(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, fmt.Sprintf(post, a.URL()), a)
	conn := s.dial(t)
	defer func() { _ = conn.Close() }()
	_, err := io.WriteString(conn, "POST /proxy/a/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	require.NoError(t, err)
	interim := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	_, err = io.ReadFull(conn, interim)
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 100 Continue\r\n\r\n", string(interim))
	assert.Empty(t, a.Received(), "nothing half sent counts as sent")
	_, err = io.WriteString(conn, "abc")
	require.NoError(t, err)
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Equal(t, "200", rawhttp.Split(string(got)).Status())
	assert.Equal(t, "abc", only(t, a).Body)

	refused := s.ask(t, "POST /proxy/a/x", "Content-Length: 1025", "Expect: 100-continue")
	assert.Equal(t, "413", refused.Status(), "the body is not asked for")
	assert.Equal(t, []string{"Connection: close"}, refused.All("Connection"))
}

func TestABodyThatDoesNotComeWholeSendsNothing(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, fmt.Sprintf(post, a.URL()), a)
	for name, test := range map[string]struct {
		fields, body, want string
		cut                bool
	}{
		"slower than the timeout":       {"Content-Length: 3\r\nHedgerow-Timeout: 100", "ab", "408", false},
		"slower in chunks":              {"Transfer-Encoding: chunked\r\nHedgerow-Timeout: 100", "3\r\nab", "408", false},
		"one byte over the limit":       {"Content-Length: 1025", strings.Repeat("x", 1025), "413", false},
		"one byte over in chunks":       {"Transfer-Encoding: chunked", "401\r\n" + strings.Repeat("x", 1025) + "\r\n0\r\n\r\n", "413", false},
		"much over, and never sent":     {"Content-Length: 99999999", "x", "413", false},
		"cut short":                     {"Content-Length: 3", "ab", "400", true},
		"cut short in chunks":           {"Transfer-Encoding: chunked", "3\r\nab", "400", true},
		"without the last chunk":        {"Transfer-Encoding: chunked", "1\r\na\r\n", "400", true},
		"a chunk that is not one":       {"Transfer-Encoding: chunked", "zz\r\na\r\n", "400", false},
		"two lengths":                   {"Content-Length: 3\r\nContent-Length: 4", "abcd", "400", false},
		"a method that there is not":    {"Content-Length: 3\r\nX-Method: GET", "ab", "405", false},
		"an API that there is not":      {"Content-Length: 3\r\nX-Path: /proxy/nope", "ab", "404", false},
		"another transfer coding":       {"Transfer-Encoding: gzip, chunked", "1\r\na\r\n0\r\n\r\n", "501", false},
		"a length that is not a number": {"Content-Length: +3", "abc", "400", false},
	} {
		method, path := "POST", "/proxy/a/x"
		if _, value, found := strings.Cut(test.fields, "X-Method: "); found {
			method = value
		}
		if _, value, found := strings.Cut(test.fields, "X-Path: "); found {
			path = value
		}
		conn := s.dial(t)
		_, err := io.WriteString(conn, method+" "+path+" HTTP/1.1\r\nHost: x\r\n"+test.fields+"\r\n\r\n"+test.body)
		require.NoError(t, err)
		if test.cut {
			require.NoError(t, conn.(interface{ CloseWrite() error }).CloseWrite())
		}
		began := time.Now()
		got, err := io.ReadAll(conn) // until the service closes the connection, whose rest nobody could make sense of
		require.NoError(t, err, name)
		assert.Less(t, time.Since(began), 5*time.Second, name)
		assert.Equal(t, test.want, rawhttp.Split(string(got)).Status(), name)
		require.NoError(t, conn.Close())
	}
	assert.Empty(t, a.Received())
}

func TestACallerThatGoesInTheMiddleOfItsBodySendsNothing(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	s := start(t, fmt.Sprintf(post, a.URL()), a)
	for range 20 {
		conn := s.dial(t)
		_, err := io.WriteString(conn, "POST /proxy/a/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nHedgerow-Timeout: 20000\r\n\r\n"+strings.Repeat("x", 500))
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
	assert.Eventually(t, func() bool { return len(s.Log.Lines("msg", "request")) >= 20 }, patience, 10*time.Millisecond)
	assert.Empty(t, a.Received())
}

func TestACallerThatGoesAwayCutsItsAttempts(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.Reply{Hang: true}))
	s := start(t, "  a: {url: '"+a.URL()+"', timeout: 20s, strategy: first}\n", a)
	conn := s.dial(t)
	_, err := io.WriteString(conn, "GET /proxy/a/x HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return a.Count() == 3 }, patience, time.Millisecond, "each attempt has its connection")
	require.NoError(t, conn.Close())
	assert.Eventually(t, func() bool { return a.Open() == 0 }, 5*time.Second, time.Millisecond)
	s.Log.Wait(t, "status", float64(499))
}

func TestARequestIsMadeAsOftenAsItMayBe(t *testing.T) {
	for setting, counts := range map[string]map[string]int{
		"":                        {"GET": 3, "PUT": 3, "DELETE": 3, "POST": 1, "PATCH": 1, "POST+key": 1, "PATCH+key": 1, "DELETE+key": 3},
		", repeatable: true":      {"GET": 3, "POST": 3, "PATCH": 3, "POST+key": 3},
		", idempotency_key: true": {"GET": 3, "PUT": 3, "POST": 1, "PATCH": 1, "POST+key": 3, "PATCH+key": 3},
	} {
		a := rawhttp.Serve(t, rawhttp.Always(rawhttp.Answered("500 No", "")))
		s := start(t, "  a: {url: '"+a.URL()+"', strategy: first, methods: [GET, POST, PATCH, PUT, DELETE]"+setting+"}\n", a)
		for name, count := range counts {
			method, _, key := strings.Cut(name, "+")
			fields := []string{"Content-Length: 3"}
			if key {
				fields = append(fields, "Idempotency-Key: k 1")
			}
			assert.Equal(t, "500", s.send(t, method+" /proxy/a/x", "a\x00b", fields...).Status(), name)
			requests := a.Received()
			assert.Len(t, requests, count, "%s%s", name, setting)
			for _, request := range requests {
				assert.Equal(t, requests[0], request, "all with the same bytes")
				assert.True(t, strings.HasSuffix(request, "\r\n\r\na\x00b"))
				assert.Equal(t, key, strings.Contains(strings.ToLower(request), "\r\nidempotency-key: k 1\r\n"))
			}
		}
	}
}

func TestAKeptConnectionThatEndsIsNotAReasonToSendAPOSTAgain(t *testing.T) {
	var requests atomic.Int64
	a := rawhttp.Serve(t, func(string) rawhttp.Reply {
		if requests.Add(1)%2 == 1 {
			return rawhttp.OK("{}")
		}
		return rawhttp.Reply{} // closes the kept connection when it has read the second request
	})
	s := start(t, fmt.Sprintf(post, a.URL()), a)
	for _, field := range []string{"X: 1", "Idempotency-Key: k", "X-Idempotency-Key: k"} {
		for _, body := range []string{"", "abc"} {
			fields := []string{field, fmt.Sprintf("Content-Length: %d", len(body))}
			assert.Equal(t, "200", s.send(t, "POST /proxy/a/x", body, fields...).Status())
			assert.Equal(t, "502", s.send(t, "POST /proxy/a/x", body, fields...).Status(), "%s, %d bytes", field, len(body))
			assert.Len(t, a.Received(), 2)
		}
	}
}

func TestHEADAndOPTIONSAndRangesAndConditionsAreAnsweredAsByTheAPI(t *testing.T) {
	a := rawhttp.Serve(t, func(request string) rawhttp.Reply {
		m := rawhttp.Split(request)
		switch {
		case strings.HasPrefix(m.Line, "HEAD"):
			return rawhttp.Reply{Text: "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nContent-Type: a/b\r\n\r\n", Keep: true}
		case strings.HasPrefix(m.Line, "OPTIONS"):
			return rawhttp.Reply{Text: "HTTP/1.1 204 No Content\r\nAllow: GET\r\nDAV: 1\r\n\r\n", Keep: true}
		case len(m.All("If-None-Match")) > 0:
			return rawhttp.Reply{Text: "HTTP/1.1 304 Not Modified\r\nEtag: \"1\"\r\nContent-Length: 999\r\n\r\n", Keep: true}
		case len(m.All("Range")) > 0:
			return rawhttp.Answered("206 Partial Content", "cd", "Content-Range: bytes 2-3/10", "Content-Encoding: gzip")
		}
		return rawhttp.OK(strings.Join(m.All("Accept-Encoding"), ""))
	})
	s := start(t, "  a: {url: '"+a.URL()+"', methods: [GET, HEAD, OPTIONS]}\n", a)

	got := s.ask(t, "HEAD /proxy/a/x")
	assert.Equal(t, "200", got.Status())
	assert.Equal(t, []string{"Content-Length: 12345", "Content-Type: a/b"}, own(got))
	assert.Empty(t, got.Body)

	got = s.ask(t, "OPTIONS /proxy/a/x")
	assert.Equal(t, "204", got.Status())
	assert.Equal(t, []string{"Allow: GET", "Dav: 1"}, own(got))

	got = s.ask(t, "GET /proxy/a/x", `If-None-Match: "1"`)
	assert.Equal(t, "304", got.Status())
	assert.Equal(t, []string{"content-length: 999", `Etag: "1"`}, own(got), "the length of what was not sent")
	assert.Empty(t, got.Body)

	got = s.ask(t, "GET /proxy/a/x", "Range: bytes=2-3", "Accept-Encoding: gzip")
	assert.Equal(t, "206", got.Status(), "a part of packed bytes cannot be unpacked")
	assert.Equal(t, "cd", got.Body)

	for sent, want := range map[string]string{
		"gzip": "Accept-Encoding: gzip", "br": "", "gzip, br": "Accept-Encoding: gzip", "br;q=1.0, gzip;q=0.5": "Accept-Encoding: gzip", "gzip;q=0": "", "identity": "",
	} {
		assert.Equal(t, want, s.ask(t, "GET /proxy/a/x", "Accept-Encoding: "+sent).Body, sent)
	}
	assert.Empty(t, s.ask(t, "GET /proxy/a/x").Body, "nothing is asked for that the caller did not ask for")
}

func TestACallerOfHTTP10GetsAnAnswerItUnderstands(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.Reply{Text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", Keep: true}))
	s := start(t, "  a: {url: '"+a.URL()+"'}\n", a)
	got := rawhttp.Split(s.exchange(t, "GET /proxy/a/x HTTP/1.0\r\n\r\n"))
	assert.Equal(t, "200", got.Status())
	assert.Equal(t, []string{"Content-Length: 3"}, own(got))
	assert.Equal(t, "abc", got.Body)
	request := only(t, a)
	assert.Contains(t, request.All("Via")[0], "Via: 1.0 hedgerow-", "by which protocol it came")
}
