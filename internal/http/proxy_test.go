package http_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/file"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
	"hedgerow/test/logtest"
)

const pseudonym = "hedgerow-test"

// proxied is the service in front of the API "a" of a file, which misbehaves as scripted.
type proxied struct {
	*httptest.Server
	upstream *faultserver.Server
	gateway  *gateway.Gateway
	buffer   *gateway.Buffer
	log      *logtest.Log
}

// newProxied reads the file's lines about the API, less its URL, which is /v1 on the scripted upstream.
func newProxied(t *testing.T, settings string, behaviours ...faultserver.Behaviour) *proxied {
	t.Helper()
	upstream := faultserver.New(t, behaviours...)
	p := serveFile(t, "defaults: {timeout: 20s}\napis:\n  a:\n    url: "+host(upstream)+"/v1\n"+indented(settings))
	p.upstream = upstream
	return p
}

func host(s *faultserver.Server) string { return strings.TrimSuffix(s.URL, "/api/work") }

func indented(settings string) string {
	var b strings.Builder
	for line := range strings.Lines(settings) {
		b.WriteString("    " + line)
	}
	return b.String()
}

func parseFile(t testing.TB, text string) []file.API {
	t.Helper()
	f, err := file.Reader{Strategies: hedgerow.Strategies()}.Parse("apis.yaml", []byte(text))
	require.NoError(t, err, text)
	return f.APIs
}

// serveFile runs the service with a file, until the test ends.
func serveFile(t *testing.T, text string) *proxied {
	t.Helper()
	p := &proxied{buffer: gateway.NewBuffer(4 << 20), log: &logtest.Log{}}
	logger := slog.New(slog.NewJSONHandler(p.log, nil))
	p.gateway = gateway.New(parseFile(t, text), gateway.Settings{
		UserAgent: "hedgerow/test", LoserGrace: 10 * time.Millisecond, MaxInFlight: 100, Logger: logger,
	})
	p.Server = httptest.NewServer(newRouter(t, hedgerow.Settings{
		Gateway: p.gateway, Buffer: p.buffer, Via: forward.NewVia(pseudonym), Logger: logger, Producers: 3, MaxTimeout: maxTimeout,
		Ready:       func() bool { return true },
		ObserveCall: func(hedgerow.ObservedCall) {},
	}))
	t.Cleanup(func() {
		p.Close()
		p.gateway.Close()
		assert.Zero(t, p.buffer.Held(), "every body that was held has been given back")
	})
	return p
}

// ask sends a request without a body and returns the answer with its whole body.
func (p *proxied) ask(t *testing.T, line string, head ...string) answer {
	t.Helper()
	return p.send(t, line, "", head...)
}

// send sends a request as it is, but for the fields that every request has, and returns the answer with its whole body.
func (p *proxied) send(t *testing.T, line, body string, head ...string) answer {
	t.Helper()
	conn := p.open(t, line, head...)
	_, err := io.WriteString(conn, body)
	require.NoError(t, err)
	method, _, _ := strings.Cut(line, " ")
	return receive(t, conn, method)
}

// open sends the head of a request on a connection of its own, which ends with the test at the latest.
func (p *proxied) open(t *testing.T, line string, head ...string) net.Conn {
	t.Helper()
	lines := append([]string{line + " HTTP/1.1", "Host: caller.example", "Connection: close"}, head...)
	conn, err := net.Dial("tcp", p.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n")
	require.NoError(t, err)
	return conn
}

// receive reads the answer to a request of this method, and closes the connection.
func receive(t *testing.T, conn net.Conn, method string) answer {
	t.Helper()
	defer func() { _ = conn.Close() }()
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(t, err)
	got, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response, string(got)}
}

func TestAnAPIOfTheFileGetsThePathAndTheQueryAsTheyCame(t *testing.T) {
	p := newProxied(t, "", faultserver.JSON(`{}`))
	for target, want := range map[string]string{
		"/proxy/a":                      "/v1",
		"/proxy/a/":                     "/v1/",
		"/proxy/a/x//y%2F[|]?a=%zz;b=2": "/v1/x//y%2F[|]?a=%zz;b=2",
		"/proxy/a//x?timeout=5":         "/v1//x?timeout=5",
		"/proxy/a/%252e?":               "/v1/%252e?",
	} {
		before := p.upstream.Requests()
		assert.Equal(t, http.StatusOK, p.ask(t, "GET "+target).StatusCode, target)
		assert.Equal(t, want, p.upstream.Request(before).RequestURI)
		assert.Equal(t, strings.TrimPrefix(host(p.upstream), "http://"), p.upstream.Request(before).Host)
	}
}

func TestARequestThatIsNotPassedOnSendsNothing(t *testing.T) {
	p := newProxied(t, "methods: [GET, HEAD, POST]\ntimeout: 1s\nmax_timeout: 2s\nmax_request_body: 10B", faultserver.JSON(`{}`))
	for name, test := range map[string]struct {
		line   string
		head   []string
		status int
		detail string
		body   string
	}{
		"an unknown API":        {"GET /proxy/b/x", nil, 404, "names no API", ""},
		"no API":                {"GET /proxy//x", nil, 404, "names no API", ""},
		"a dot segment":         {"GET /proxy/a/%2e%2e/x", nil, 400, "dot segment", ""},
		"an absolute form":      {"GET http://evil.example/proxy/a/x", nil, 400, "has to be a path", ""},
		"a host in the path":    {"GET //evil.example/proxy/a/x", nil, 404, "", ""},
		"another method":        {"DELETE /proxy/a/x", nil, 405, "method", ""},
		"an unusual method":     {"PROPFIND /proxy/a/x", nil, 405, "method", ""},
		"TRACE":                 {"TRACE /proxy/a/x", nil, 405, "method", ""},
		"a circle":              {"GET /proxy/a/x", []string{"Via: 1.0 fred, 1.1 " + pseudonym}, 508, "circle", ""},
		"timeout twice":         {"GET /proxy/a/x", []string{"Hedgerow-Timeout: 5", "Hedgerow-Timeout: 5"}, 400, "header Hedgerow-Timeout is repeated", ""},
		"timeout empty":         {"GET /proxy/a/x", []string{"Hedgerow-Timeout:"}, 400, "header Hedgerow-Timeout is empty", ""},
		"timeout with fraction": {"GET /proxy/a/x", []string{"Hedgerow-Timeout: 1.5"}, 400, "header Hedgerow-Timeout is not a whole number", ""},
		"timeout 0":             {"GET /proxy/a/x", []string{"Hedgerow-Timeout: 0"}, 400, "from 1 to 2000", ""},
		"timeout over max":      {"GET /proxy/a/x", []string{"Hedgerow-Timeout: 2001"}, 400, "header Hedgerow-Timeout is out of range", ""},
		"strategy unknown":      {"GET /proxy/a/x", []string{"Hedgerow-Strategy: nope"}, 400, "one of smart, first, all, within-timeout", ""},
		"strategy twice":        {"GET /proxy/a/x", []string{"Hedgerow-Strategy: all", "Hedgerow-Strategy: all"}, 400, "header Hedgerow-Strategy is repeated", ""},
		"HEAD of an array":      {"HEAD /proxy/a/x", []string{"Hedgerow-Strategy: all"}, 400, "", ""},
		"a body too large":      {"POST /proxy/a/x", []string{"Content-Length: 11"}, 413, "max_request_body", "12345678901"},
		"chunks too large":      {"POST /proxy/a/x", []string{"Transfer-Encoding: chunked"}, 413, "max_request_body", "b\r\n12345678901\r\n0\r\n\r\n"},
		"a body too slow":       {"POST /proxy/a/x", []string{"Hedgerow-Timeout: 50", "Content-Length: 3"}, 408, "within the timeout", "12"},
		"a broken body":         {"POST /proxy/a/x", []string{"Transfer-Encoding: chunked"}, 400, "broken", "zz\r\n"},
	} {
		a := p.send(t, test.line, test.body, test.head...)
		assert.Equal(t, test.status, a.StatusCode, name)
		if !strings.HasPrefix(test.line, "HEAD") {
			assert.Contains(t, problem(t, a, test.status).Detail, test.detail, name)
		}
		if test.status == http.StatusMethodNotAllowed {
			assert.Equal(t, "GET, HEAD, POST, OPTIONS", a.Header.Get("Allow"), name)
		}
	}
	a := p.ask(t, "OPTIONS /proxy/a/x", "Origin: http://evil.example")
	assert.Equal(t, http.StatusNoContent, a.StatusCode)
	assert.Equal(t, "GET, HEAD, POST, OPTIONS", a.Header.Get("Allow"))
	assert.Zero(t, p.upstream.Requests())
}

func TestTheAnswerIsTheWinnersAsItCame(t *testing.T) {
	packed := faultserver.Gzip("packed")
	p := newProxied(t, "strategy: first\nattempts: 1\nremove: [X-Gone]\nmethods: [GET, HEAD]",
		faultserver.Status(404, "no such thing", "X-A: 1", "X-B: 2", "X-A: 3", "Set-Cookie: c=1", "X-Gone: 1", "Server-Timing: db;dur=1", "Via: 1.0 fred",
			"X-Request-Id: theirs", "Keep-Alive: timeout=5", "Connection: X-Hop", "X-Hop: 1", "Access-Control-Allow-Origin: *", "Content-Security-Policy: default-src 'self'"),
		faultserver.Status(200, packed, "Content-Encoding: gzip"),
		faultserver.Raw("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 304 Not Modified\r\nEtag: \"1\"\r\n\r\n", true),
		faultserver.Raw("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", true),
		faultserver.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nX-Trailer: 1\r\n\r\n", true))
	a := p.ask(t, "GET /proxy/a/x", "X-Request-Id: ours")
	assert.Equal(t, http.StatusNotFound, a.StatusCode)
	assert.Equal(t, "no such thing", a.body)
	date, timing := a.Header.Get("Date"), a.Header["Server-Timing"]
	require.NotEmpty(t, date)
	require.Len(t, timing, 2)
	assert.Equal(t, "db;dur=1", timing[0])
	assert.Regexp(t, `^attempt1;desc="won";dur=[\d.]+$`, timing[1])
	delete(a.Header, "Date")
	delete(a.Header, "Server-Timing")
	assert.Equal(t, http.Header{
		"Content-Type": {"application/json"}, "Content-Length": {"13"}, "X-A": {"1", "3"}, "X-B": {"2"},
		"Access-Control-Allow-Origin": {"*"}, "Content-Security-Policy": {"default-src 'self'", "sandbox"}, "X-Content-Type-Options": {"nosniff"},
		"Via": {"1.0 fred, 1.1 " + pseudonym}, "X-Request-Id": {"ours"}, "Hedgerow-Requests": {"1"},
	}, a.Header)

	a = p.ask(t, "GET /proxy/a/x", "Accept-Encoding: gzip")
	assert.Equal(t, packed, a.body, "packed as it came")
	assert.Equal(t, "gzip", a.Header.Get("Content-Encoding"))

	a = p.ask(t, "GET /proxy/a/x")
	assert.Equal(t, http.StatusNotModified, a.StatusCode)
	assert.Equal(t, `"1"`, a.Header.Get("Etag"))
	assert.Empty(t, a.Header["Link"], "interim answers are not passed on")

	a = p.ask(t, "HEAD /proxy/a/x")
	assert.Equal(t, "77", a.Header.Get("Content-Length"))

	a = p.ask(t, "GET /proxy/a/x")
	assert.Equal(t, "ab", a.body)
	assert.Equal(t, "2", a.Header.Get("Content-Length"), "one true length")
	assert.Empty(t, a.Header["Trailer"])
	assert.NotContains(t, a.Header, "Content-Type", "none is guessed")
}

func TestAnArrayHasEveryAnswerInOrderOfArrival(t *testing.T) {
	p := newProxied(t, "strategy: all\nattempts: 5\nsuccess: {status: [2xx, 404]}",
		faultserver.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.x+json; charset=utf-8\r\nContent-Length: 18\r\n\r\n{ \"a\" : \"<1> \\n\" }", true))
	a := p.ask(t, "GET /proxy/a/x")
	assert.Equal(t, http.StatusOK, a.StatusCode)
	assert.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
	assert.Equal(t, "5", a.Header.Get("Hedgerow-Requests"))
	for i := range 5 {
		want := fmt.Sprintf(`{"attempt":%d,"status":200,"type":"application/vnd.x+json; charset=utf-8","body":{ "a" : "<1> \n" }}`, i+1)
		assert.Contains(t, a.body, want)
	}
}

func TestABodyInAnArrayIsJSONOrAStringOrBase64(t *testing.T) {
	for name, test := range map[string]struct{ head, body, want string }{
		"JSON":                        {"Content-Type: application/json", `[1, 2]`, `"type":"application/json","body":[1, 2]`},
		"JSON by its type alone":      {"Content-Type: application/json", `{"a`, `"type":"application/json","body":"{\"a"`},
		"JSON of another type":        {"Content-Type: text/plain", `[1]`, `"type":"text/plain","body":"[1]"`},
		"no type":                     {"X: 1", `[1]`, `"status":200,"body":"[1]"`},
		"bytes that are not UTF-8":    {"Content-Type: image/png", "\xff\x00", `"type":"image/png","encoding":"base64","body":"/wA="`},
		"gzip, unpacked":              {"Content-Type: text/plain\r\nContent-Encoding: gzip", faultserver.Gzip("text"), `"type":"text/plain","body":"text"`},
		"nothing":                     {"Content-Type: text/plain", "", `"type":"text/plain","body":""`},
		"JSON with a byte order mark": {"Content-Type: application/json", "\ufeff{}", `"type":"application/json","body":"` + "\ufeff" + `{}"`},
	} {
		p := newProxied(t, "strategy: within-timeout\nattempts: 1",
			faultserver.Raw(fmt.Sprintf("HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n%s", test.head, len(test.body), test.body), true))
		a := p.ask(t, "GET /proxy/a/x")
		assert.Contains(t, a.body, test.want+"}]", name)
		assert.True(t, json.Valid([]byte(a.body)), name)
	}
}

func TestWhenEveryAttemptHasFailedTheLastCompleteAnswerIsPassedOn(t *testing.T) {
	overloaded := faultserver.Status(503, "later", "Retry-After: 7", "X-A: 1")
	for _, strategy := range []string{"first", "smart"} {
		p := newProxied(t, "attempts: 2\nstrategy: "+strategy, overloaded)
		a := p.ask(t, "GET /proxy/a/x")
		assert.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
		assert.Equal(t, "later", a.body)
		assert.Equal(t, "7", a.Header.Get("Retry-After"))
		assert.Equal(t, "1", a.Header.Get("X-A"))
	}
	p := newProxied(t, "attempts: 2\nstrategy: all", overloaded)
	details := problem(t, p.ask(t, "GET /proxy/a/x"), http.StatusBadGateway)
	assert.Equal(t, "status 503", details.Attempts[0].Reason)

	p = newProxied(t, "attempts: 2\nstrategy: first", faultserver.Close())
	details = problem(t, p.ask(t, "GET /proxy/a/x"), http.StatusBadGateway)
	assert.Equal(t, "connection closed", details.Attempts[0].Reason)

	p = newProxied(t, "strategy: first\nattempts: 2\nsuccess: {if: 'json(\"status\") == \"ok\"'}", faultserver.JSON(`{"status":"error"}`))
	details = problem(t, p.ask(t, "GET /proxy/a/x"), http.StatusBadGateway)
	assert.Equal(t, "condition not met, status 200", details.Attempts[0].Reason)
}

func TestARequestThatIsNotSafeToRepeatIsMadeOnce(t *testing.T) {
	const key = "Idempotency-Key: k"
	for name, test := range map[string]struct {
		settings string
		method   string
		head     []string
		requests int
	}{
		"POST":                             {"", "POST", nil, 1},
		"POST with a key nobody asked for": {"", "POST", []string{key}, 1},
		"POST with a key":                  {"idempotency_key: true", "POST", []string{key}, 3},
		"POST without its key":             {"idempotency_key: true", "POST", nil, 1},
		"POST that is repeatable":          {"repeatable: true", "POST", nil, 3},
		"PATCH":                            {"", "PATCH", nil, 1},
		"an unusual method":                {"", "REPORT", nil, 1},
		"PUT":                              {"", "PUT", nil, 3},
		"DELETE":                           {"", "DELETE", nil, 3},
	} {
		p := newProxied(t, "strategy: first\nmethods: [POST, PATCH, PUT, DELETE, REPORT]\n"+test.settings, faultserver.Status(500, "no"))
		a := p.send(t, test.method+" /proxy/a/x", "a b\x00c", append(test.head, "Content-Length: 5")...)
		assert.Equal(t, http.StatusInternalServerError, a.StatusCode, name)
		require.Equal(t, test.requests, p.upstream.Requests(), name)
		assert.Equal(t, strconv.Itoa(test.requests), a.Header.Get("Hedgerow-Requests"), name)
		for i := range test.requests {
			body, err := io.ReadAll(p.upstream.Request(i).Body)
			require.NoError(t, err)
			assert.Equal(t, "a b\x00c", string(body), name)
			assert.Equal(t, strings.TrimPrefix(strings.Join(test.head, ""), "Idempotency-Key: "), p.upstream.Request(i).Header.Get("Idempotency-Key"), name)
		}
	}
}

func TestAKeptConnectionThatEndsIsNoReasonToSendAPOSTAgain(t *testing.T) {
	for _, body := range []string{"", "abc"} {
		p := newProxied(t, "methods: [GET, POST]\nattempts: 1", faultserver.JSON(`{}`), faultserver.Close(), faultserver.JSON(`{}`))
		assert.Equal(t, http.StatusOK, p.ask(t, "GET /proxy/a/x").StatusCode)
		a := p.send(t, "POST /proxy/a/x", body, "Idempotency-Key: k", fmt.Sprintf("Content-Length: %d", len(body)))
		assert.Equal(t, http.StatusBadGateway, a.StatusCode)
		assert.Equal(t, 2, p.upstream.Requests())
	}
}

func TestWhatComesInChunksGoesOnWithItsLength(t *testing.T) {
	p := newProxied(t, "methods: [POST]", faultserver.JSON(`{}`))
	a := p.send(t, "POST /proxy/a/x", "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n", "Transfer-Encoding: chunked")
	assert.Equal(t, http.StatusOK, a.StatusCode)
	request := p.upstream.Request(0)
	assert.EqualValues(t, 5, request.ContentLength)
	assert.Empty(t, request.TransferEncoding)
	assert.Empty(t, request.Trailer)
}

func TestNothingOfTheCallerReachesTheAPIUnlessItIsNamed(t *testing.T) {
	p := newProxied(t, "forward: {headers: [X-Own]}\nset: {Authorization: Bearer ours}", faultserver.JSON(`{}`))
	p.ask(t, "GET /proxy/a/x", "X-Own: 1", "Authorization: Basic theirs", "Cookie: c", "X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4",
		"User-Agent: theirs", "Accept: a/b", "Te: trailers", "Upgrade: h2c", "Http2-Settings: x", "X-Request-Id: r", "Hedgerow-Timeout: 1000",
		"Via: 1.0 fred", "X-Other: 1")
	assert.Equal(t, http.Header{
		"Accept": {"a/b"}, "Authorization": {"Bearer ours"}, "User-Agent": {"hedgerow/test"}, "Via": {"1.0 fred, 1.1 " + pseudonym}, "X-Own": {"1"},
	}, p.upstream.Request(0).Header)
	p.log.Wait(t, "header", "X-Other")
	p.ask(t, "GET /proxy/a/x", "X-Other: 1")
	assert.Len(t, p.log.Lines("header", "X-Other"), 1, "once for each name")
}

func TestBodiesBeyondWhatMayBeHeldAreRefused(t *testing.T) {
	p := newProxied(t, "methods: [GET, POST]\nstrategy: first\nattempts: 1\nmax_request_body: 8MiB", faultserver.JSON(strings.Repeat(" ", 5<<20)))
	a := p.ask(t, "GET /proxy/a/x")
	problem(t, a, http.StatusServiceUnavailable)
	assert.Equal(t, "1", a.Header.Get("Retry-After"))
	a = p.send(t, "POST /proxy/a/x", strings.Repeat("x", 5<<20), fmt.Sprintf("Content-Length: %d", 5<<20))
	problem(t, a, http.StatusServiceUnavailable)
	assert.Equal(t, "1", a.Header.Get("Retry-After"))
	assert.Equal(t, 1, p.upstream.Requests())
}

func TestAnArrayForWhichThereIsNoRoomIsRefused(t *testing.T) {
	escaped := strings.Repeat("\x01", 700<<10) // six times as long in JSON
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"it fits":                        {escaped[:500<<10], http.StatusOK},
		"it is too long as JSON":         {escaped, http.StatusServiceUnavailable},
		"no answer for it could be held": {strings.Repeat("x", 5<<20), http.StatusServiceUnavailable},
	} {
		for _, strategy := range arrays {
			p := newProxied(t, "attempts: 1\nstrategy: "+strategy, faultserver.Status(200, test.body))
			a := p.ask(t, "GET /proxy/a/x")
			assert.Equal(t, test.status, a.StatusCode, "%s by %s", name, strategy)
			if test.status != http.StatusOK {
				assert.Equal(t, "1", a.Header.Get("Retry-After"), name)
				assert.Equal(t, "1", a.Header.Get("Hedgerow-Requests"), name)
			}
		}
	}
}

func TestTheNextURLAnswersWhenTheFirstCannot(t *testing.T) {
	well := faultserver.New(t, faultserver.JSON(`"well"`))
	for name, behaviour := range map[string]faultserver.Behaviour{
		"hangs": faultserver.Hang(""), "fails": faultserver.Status(500, ""), "closes": faultserver.Close(),
	} {
		ill := faultserver.New(t, behaviour)
		p := serveFile(t, fmt.Sprintf("apis:\n  a:\n    urls: [%s, %s/mirror]\n    hedge: {delay: 20ms}\n    attempts: 2\n", host(ill), host(well)))
		a := p.ask(t, "GET /proxy/a/x")
		assert.Equal(t, `"well"`, a.body, name)
		assert.Equal(t, "/mirror/x", well.Request(well.Requests()-1).RequestURI)
		assert.Equal(t, 1, ill.Requests(), name)
	}
}

func TestWithSpreadTheFirstAttemptGoesRoundTheURLs(t *testing.T) {
	one, two := faultserver.New(t, faultserver.JSON(`1`)), faultserver.New(t, faultserver.JSON(`2`))
	p := serveFile(t, fmt.Sprintf("apis:\n  a:\n    urls: [%s, %s]\n    attempts: 1\n    spread: true\n", host(one), host(two)))
	for _, body := range []string{"1", "2", "1", "2"} {
		assert.Equal(t, body, p.ask(t, "GET /proxy/a/x").body)
	}
}

func TestARouteSaysOtherwise(t *testing.T) {
	p := newProxied(t, "methods: [GET, POST]\nstrategy: first\nroutes:\n  \"GET /search/\": {attempts: 1}\n  \"POST /orders/{id}/pay\": {repeatable: true, attempts: 2}",
		faultserver.Status(500, ""))
	for line, requests := range map[string]int{
		"GET /proxy/a/search/x": 1, "GET /proxy/a/search//x": 1, "GET /proxy/a/other": 3, "POST /proxy/a/orders/7/pay": 2, "POST /proxy/a/orders/7": 1,
	} {
		before := p.upstream.Requests()
		p.ask(t, line)
		assert.Equal(t, requests, p.upstream.Requests()-before, line)
	}
}

func TestAFileThatIsReadAgainIsSwappedInWhole(t *testing.T) {
	same, gone := faultserver.New(t, faultserver.JSON(`"same"`)), faultserver.New(t, faultserver.JSON(`"gone"`))
	p := serveFile(t, fmt.Sprintf("apis:\n  same:\n    url: %s\n  other:\n    url: %s\n", host(same), host(gone)))
	assert.Equal(t, `"same"`, p.ask(t, "GET /proxy/same").body)
	assert.Equal(t, `"gone"`, p.ask(t, "GET /proxy/other").body)
	p.gateway.Swap(parseFile(t, fmt.Sprintf("apis:\n  same:\n    url: %s\n  other:\n    url: %s/new\n", host(same), host(gone))))
	assert.Equal(t, `"same"`, p.ask(t, "GET /proxy/same").body)
	assert.Equal(t, `"gone"`, p.ask(t, "GET /proxy/other").body)
	assert.Equal(t, "/new", gone.Request(1).RequestURI)
	_, dialled := same.Connections()
	assert.Equal(t, 1, dialled, "an API that did not change keeps its connections")
	_, dialled = gone.Connections()
	assert.Equal(t, 2, dialled)
}

func TestANumberThatIsNotAStatusIsAFailedAttempt(t *testing.T) {
	for _, status := range []string{"000", "050", "099", "+20"} {
		p := newProxied(t, "attempts: 1", faultserver.Raw("HTTP/1.1 "+status+" Low\r\nContent-Length: 0\r\n\r\n", true))
		details := problem(t, p.ask(t, "GET /proxy/a/x"), http.StatusBadGateway)
		assert.Equal(t, "invalid response", details.Attempts[0].Reason, status)
	}
}
