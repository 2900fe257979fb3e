package http_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
)

var arrays = []string{"all", "within-timeout"}

func TestWithoutAFileNothingIsBelowProxy(t *testing.T) {
	s := newService(t, defaults(), faultserver.Answer(1))
	for _, path := range []string{"/proxy", "/proxy/", "/proxy/a", "/proxy/a/x"} {
		assert.Equal(t, problem(t, s.get(t, "/nope"), 404).Detail, problem(t, s.get(t, path), 404).Detail, path)
	}
	assert.NotContains(t, s.get(t, "/doc.json").body, "/proxy")
	assert.Zero(t, s.upstream.Requests())
}

func TestHEADIsA400WhereTheAnswerIsAnArray(t *testing.T) {
	for _, strategy := range arrays {
		p := newProxied(t, "strategy: "+strategy, faultserver.JSON(`{}`))
		assert.Equal(t, http.StatusBadRequest, p.ask(t, "HEAD /proxy/a/x").StatusCode, strategy)
		assert.Zero(t, p.upstream.Requests())
		assert.Equal(t, http.StatusOK, p.ask(t, "HEAD /proxy/a/x", "Hedgerow-Strategy: first").StatusCode)
		p = newProxied(t, "strategy: first", faultserver.JSON(`{}`))
		assert.Equal(t, http.StatusBadRequest, p.ask(t, "HEAD /proxy/a/x", "Hedgerow-Strategy: "+strategy).StatusCode, strategy)
		assert.Zero(t, p.upstream.Requests())
	}
}

func TestAMethodThatAPathDoesNotHaveIsA405WithThoseThatItHas(t *testing.T) {
	p := newProxied(t, "routes:\n  \"POST /orders\": {methods: [POST]}\n  \"/asks/\": {methods: [OPTIONS, GET]}", faultserver.Status(200, "from the API"))
	for line, allow := range map[string]string{
		"DELETE /proxy/a/x": "GET, HEAD, OPTIONS", "POST /proxy/a/x": "GET, HEAD, OPTIONS", "TRACE /proxy/a/x": "GET, HEAD, OPTIONS",
		"CONNECT /proxy/a/x": "GET, HEAD, OPTIONS", "DELETE /proxy/a/orders": "GET, HEAD, POST, OPTIONS", "POST /proxy/a/asks/x": "GET, OPTIONS",
	} {
		a := p.ask(t, line)
		problem(t, a, http.StatusMethodNotAllowed)
		assert.Equal(t, allow, a.Header.Get("Allow"), line)
	}
	for _, path := range []string{"/x", "/orders", ""} {
		a := p.ask(t, "OPTIONS /proxy/a"+path, "Origin: http://elsewhere.example", "Access-Control-Request-Method: GET")
		assert.Equal(t, http.StatusNoContent, a.StatusCode, path)
		assert.NotEmpty(t, a.Header.Get("Allow"))
		for name := range a.Header {
			assert.False(t, strings.HasPrefix(name, "Access-Control-"), name)
		}
	}
	assert.Zero(t, p.upstream.Requests())
	assert.Equal(t, "from the API", p.ask(t, "OPTIONS /proxy/a/asks/x").body, "one that is listed goes on")
	assert.Positive(t, p.upstream.Requests())
}

func TestHedgerowRequestsCountsTheRequestsSentByThen(t *testing.T) {
	for name, test := range map[string]struct {
		settings   string
		behaviours []faultserver.Behaviour
		want       string
	}{
		"one was enough":          {"hedge: {delay: 10s}", []faultserver.Behaviour{faultserver.JSON(`1`)}, "1"},
		"hedges were sent":        {"hedge: {delay: 20ms}", []faultserver.Behaviour{faultserver.Hang(""), faultserver.JSON(`1`)}, "3"},
		"hedges were refused":     {"hedge: {delay: 10s}", []faultserver.Behaviour{faultserver.Status(503, "", "Retry-After: 9")}, "1"},
		"all were sent":           {"strategy: all\nattempts: 4", []faultserver.Behaviour{faultserver.JSON(`1`)}, "4"},
		"none had a good answer":  {"strategy: first\nattempts: 2", []faultserver.Behaviour{faultserver.Close()}, "2"},
		"none had one in time":    {"strategy: first\nattempts: 2\ntimeout: 100ms", []faultserver.Behaviour{faultserver.Hang("")}, "2"},
		"the last answer went on": {"attempts: 2", []faultserver.Behaviour{faultserver.Status(500, "")}, "2"},
	} {
		p := newProxied(t, test.settings, test.behaviours...)
		assert.Equal(t, test.want, p.ask(t, "GET /proxy/a/x").Header.Get("Hedgerow-Requests"), name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	well := faultserver.New(t, faultserver.JSON(`1`))
	p := serveFile(t, fmt.Sprintf("apis:\n  a:\n    urls: ['http://%s', %s]\n    attempts: 2\n    timeout: 20s\n", listener.Addr(), host(well)))
	a := p.ask(t, "GET /proxy/a/x")
	assert.Equal(t, "1", a.Header.Get("Hedgerow-Requests"), "nothing was sent to the URL that refuses connections")
	assert.Contains(t, a.Header.Get("Server-Timing"), `attempt1;desc="failed"`)
}

func TestWithoutAHeaderTheAPIsTimeoutHolds(t *testing.T) {
	for _, test := range []struct {
		settings string
		head     []string
		want     time.Duration
	}{
		{"timeout: 150ms", nil, 150 * time.Millisecond},
		{"timeout: 10s", []string{"Hedgerow-Timeout: 200"}, 200 * time.Millisecond},
		{"timeout: 10s\nroutes: {/x: {timeout: 250ms}}", nil, 250 * time.Millisecond},
	} {
		p := newProxied(t, "strategy: first\n"+test.settings, faultserver.Hang(""))
		began := time.Now()
		a := p.ask(t, "GET /proxy/a/x", test.head...)
		took := time.Since(began)
		attempts := problem(t, a, http.StatusGatewayTimeout).Attempts
		require.Len(t, attempts, 3)
		for _, attempt := range attempts {
			assert.Equal(t, "timed_out", attempt.Outcome)
			assert.Empty(t, attempt.Reason)
		}
		assert.InDelta(t, test.want.Milliseconds(), p.log.Wait(t, "status", 504.)["timeout_ms"], 0)
		assert.GreaterOrEqual(t, took, test.want)
		assert.Less(t, took, 5*time.Second)
	}
}

func TestAtTheDeadlineTheArraysAreThoseOfSection1(t *testing.T) {
	for strategy, status := range map[string]int{"all": 504, "within-timeout": 200} {
		p := newProxied(t, "attempts: 2\ntimeout: 300ms\nstrategy: "+strategy, faultserver.JSON(`{"a":1}`), faultserver.Hang(""))
		a := p.ask(t, "GET /proxy/a/x")
		assert.Equal(t, status, a.StatusCode, strategy)
		if status == 200 {
			assert.Regexp(t, `^\[\{"attempt":[12],"status":200,"type":"application/json","body":\{"a":1\}\}\]$`, a.body)
		}
		assert.Equal(t, "2", a.Header.Get("Hedgerow-Requests"))
		p = newProxied(t, "attempts: 2\ntimeout: 100ms\nstrategy: "+strategy, faultserver.Hang(""))
		a = p.ask(t, "GET /proxy/a/x")
		assert.Equal(t, status, a.StatusCode, strategy)
		if status == 200 {
			assert.Equal(t, "[]", a.body)
		}
	}
}

func TestBeyondTheCapOnAttemptsCallsAreRefusedAtOnceAndNothingIsSent(t *testing.T) {
	for _, strategy := range []string{"first", "all", "within-timeout"} {
		p := newProxied(t, "attempts: 3\nmax_in_flight: 4\nstrategy: "+strategy, faultserver.Hang(""))
		hanging := p.open(t, "GET /proxy/a/x")
		p.upstream.WaitForRequests(t, 3)
		began := time.Now()
		a := p.ask(t, "GET /proxy/a/x")
		problem(t, a, http.StatusServiceUnavailable)
		assert.Less(t, time.Since(began), time.Second)
		assert.Equal(t, "1", a.Header.Get("Retry-After"))
		assert.Equal(t, "0", a.Header.Get("Hedgerow-Requests"))
		assert.Equal(t, 3, p.upstream.Requests(), strategy)
		require.NoError(t, hanging.Close())
	}
}

func TestEachAttemptOfA502SaysWhyItFailed(t *testing.T) {
	p := newProxied(t, "strategy: first\nattempts: 3\nsuccess: {if: 'json(\"status\") == \"ok\"'}",
		faultserver.JSON(`{"status":"error"}`), faultserver.Status(201, "not JSON"), faultserver.Close())
	a := p.ask(t, "GET /proxy/a/x")
	reasons := make([]string, 0, 3)
	for _, attempt := range problem(t, a, http.StatusBadGateway).Attempts {
		assert.Equal(t, "failed", attempt.Outcome)
		reasons = append(reasons, attempt.Reason)
	}
	slices.Sort(reasons)
	assert.Equal(t, []string{"condition not met, status 200", "condition not met, status 201", "connection closed"}, reasons)
}

func TestARuleAndMaxBodyReadABodyUnpackedAndItGoesOnPacked(t *testing.T) {
	good := faultserver.Gzip(`{"status":"ok"}`)
	const settings = "strategy: first\nattempts: 1\nmax_body: 1KiB\nsuccess: {if: 'json(\"status\") == \"ok\"'}"
	packed := func(body string) faultserver.Behaviour {
		return faultserver.Status(200, body, "Content-Encoding: gzip")
	}
	p := newProxied(t, settings, packed(good), packed(faultserver.Gzip(`{"status":"no"}`)), packed(faultserver.Gzip(`{"status":"ok","x":"`+strings.Repeat("x", 1024)+`"}`)),
		packed(good[:len(good)-4]), packed("x"+good), packed("gzip"), faultserver.Status(200, strings.Repeat("x", 1025)))
	a := p.ask(t, "GET /proxy/a/x", "Accept-Encoding: gzip")
	assert.Equal(t, good, a.body)
	assert.Equal(t, "gzip", a.Header.Get("Content-Encoding"))
	for _, reason := range []string{
		"condition not met, status 200", "body too large", "incomplete body", "corrupt body", "incomplete body", "body too large",
	} {
		attempts := problem(t, p.ask(t, "GET /proxy/a/x", "Accept-Encoding: gzip"), http.StatusBadGateway).Attempts
		assert.Equal(t, reason, attempts[0].Reason)
	}
}

func TestATimeThatTheCallerTakesForItsBodyCountsAgainstTheTimeoutAndIsNoOverload(t *testing.T) {
	const timeout, slow = 1200 * time.Millisecond, 700 * time.Millisecond
	p := newProxied(t, fmt.Sprintf("methods: [POST]\ntimeout: %v", timeout), faultserver.JSON(`1`), faultserver.Hang(""))
	for _, status := range []int{200, 504} {
		began := time.Now()
		conn := p.open(t, "POST /proxy/a/x", "Content-Length: 3")
		_, err := conn.Write([]byte("ab"))
		require.NoError(t, err)
		time.AfterFunc(slow, func() { _, _ = conn.Write([]byte("c")) }) // what is tried is that it comes late
		a := receive(t, conn, "POST")
		assert.Equal(t, status, a.StatusCode, a.body)
		assert.Less(t, time.Since(began), timeout+slow, "the deadline runs from the arrival of the request")
	}
}

func TestAnAnswerOfOursHasNoViaAndNoCORS(t *testing.T) {
	p := newProxied(t, "", faultserver.Close())
	for _, line := range []string{"GET /proxy/a/x", "GET /proxy/nope", "GET /proxy/a/..", "DELETE /proxy/a/x"} {
		a := p.ask(t, line, "Origin: http://elsewhere.example")
		assert.NotContains(t, a.Header, "Via", line)
		assert.NotContains(t, a.Header, "Access-Control-Allow-Origin", line)
	}
}

func TestAnArrayIsInOrderOfArrival(t *testing.T) {
	for _, strategy := range arrays {
		urls := make([]string, 3)
		for i := range urls { // attempt n goes to URL n, and the later ones are quicker
			urls[i] = host(faultserver.New(t, faultserver.After(time.Duration(2-i)*200*time.Millisecond, faultserver.JSON(strconv.Itoa(i)))))
		}
		p := serveFile(t, fmt.Sprintf("apis:\n  a:\n    urls: [%s]\n    timeout: 20s\n    strategy: %s\n", strings.Join(urls, ", "), strategy))
		const element = `{"attempt":%d,"status":200,"type":"application/json","body":%d}`
		want := fmt.Sprintf("["+element+","+element+","+element+"]", 3, 2, 2, 1, 1, 0)
		assert.Equal(t, []byte(want), []byte(p.ask(t, "GET /proxy/a/x").body), "byte for byte, by %s", strategy)
	}
}

func TestSetCookieComesBackOnlyWhenItIsKept(t *testing.T) {
	cookies := faultserver.Status(200, "", "Set-Cookie: a=1", "Set-Cookie: b=2", "Server: s")
	for settings, want := range map[string][]string{"keep: []": nil, "keep: [set-cookie]": {"a=1", "b=2"}, "keep: [Server]": nil} {
		a := newProxied(t, settings, cookies).ask(t, "GET /proxy/a/x")
		assert.Equal(t, want, a.Header["Set-Cookie"], settings)
		assert.Equal(t, "s", a.Header.Get("Server"), settings)
	}
	assert.Empty(t, newProxied(t, "remove: [server]", cookies).ask(t, "GET /proxy/a/x").Header.Get("Server"))
}

func TestTheLimitsOfControlsAreThoseOfTheRoute(t *testing.T) {
	p := newProxied(t, "max_timeout: 20s\nroutes: {/long: {max_timeout: 50s}, /short: {timeout: 1s, max_timeout: 2s, strategy: all}}", faultserver.JSON(`1`))
	for path, most := range map[string]int{"/x": 20_000, "/long": 50_000, "/short": 2_000} {
		assert.Equal(t, 200, p.ask(t, "GET /proxy/a"+path, fmt.Sprintf("Hedgerow-Timeout: %d", most)).StatusCode, path)
		a := p.ask(t, "GET /proxy/a"+path, fmt.Sprintf("Hedgerow-Timeout: %d", most+1))
		assert.Contains(t, problem(t, a, 400).Detail, fmt.Sprintf("from 1 to %d", most), path)
	}
	assert.Equal(t, "1", p.ask(t, "GET /proxy/a/x").body)
	assert.Contains(t, p.ask(t, "GET /proxy/a/short").body, `"attempt":3`, "its strategy too")
}

func TestTheFirstStrategyOfTheFileIsSmart(t *testing.T) {
	assert.Equal(t, "smart", hedgerow.Strategies()[0], "it is the default")
	assert.Subset(t, hedgerow.Strategies(), []string{"first", "all", "within-timeout"})
}
