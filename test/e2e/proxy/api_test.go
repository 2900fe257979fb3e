package proxy

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/rawhttp"
	"hedgerow/test/faultserver"
)

const once = "strategy: first, attempts: 1, methods: [GET, HEAD], timeout: 5s"

// one is an API with one attempt a call.
func one(a *rawhttp.Server) string { return fmt.Sprintf("  a: {url: '%s', %s}\n", a.URL(), once) }

func raw(text string) rawhttp.Reply { return rawhttp.Reply{Text: text, Keep: true} }

func TestInterimAnswersAreNotPassedOn(t *testing.T) {
	final := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nhi"
	replies := map[string]rawhttp.Reply{}
	for name, interim := range map[string]string{
		"103 with Link": "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n",
		"five 100s":     strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 5),
		"102":           "HTTP/1.1 102 Processing\r\n\r\n",
		"all of them":   "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
	} {
		replies[name] = raw(interim + final)
	}
	s, rows := startRows(t, once, replies)
	for name, row := range rows {
		got := s.ask(t, "GET "+row.path)
		assert.Equal(t, "HTTP/1.1 200 OK", got.Line, name)
		assert.Equal(t, []string{"Content-Length: 2", "X-A: 1"}, own(got), name)
		assert.Equal(t, "hi", got.Body, name)
	}
}

func TestASwitchOfProtocolsIsAFailureAndEndsTheConnection(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")))
	s := start(t, one(a), a)
	for range 3 {
		assert.Equal(t, "502", s.ask(t, "GET /proxy/a/x", "Connection: upgrade", "Upgrade: x").Status())
	}
	assert.Equal(t, 3, a.Connections())
}

func TestFieldsOfAnAnswerAreDroppedOrKept(t *testing.T) {
	tests := map[string]struct{ fields, want []string }{
		"Set-Cookie":                       {[]string{"Set-Cookie: a=b"}, nil},
		"what Connection names":            {[]string{"Connection: X-Y, x-z", "X-Y: 1", "X-Z: 2", "X-A: 3"}, []string{"X-A: 3"}},
		"Keep-Alive and others":            {[]string{"Keep-Alive: timeout=5", "Proxy-Authenticate: Basic", "Proxy-Connection: close", "Upgrade: h2c", "TE: x"}, nil},
		"repeated fields in order":         {[]string{"X-A: 2", "X-B: 1", "x-a: 1", "X-A: 3"}, []string{"X-A: 2", "X-A: 1", "X-A: 3", "X-B: 1"}},
		"an empty field":                   {[]string{"X-A:"}, []string{"X-A: "}},
		"obs-fold, as one line":            {[]string{"X-A: one\r\n two\r\n\tthree"}, []string{"X-A: one two three"}},
		"bytes over 0x7f":                  {[]string{"X-A: caf\xe9 \xe2\x82\xac"}, []string{"X-A: caf\xe9 \xe2\x82\xac"}},
		"the API's CORS":                   {[]string{"Access-Control-Allow-Origin: *"}, []string{"Access-Control-Allow-Origin: *"}},
		"the API's own request id is ours": {[]string{"X-Request-Id: theirs", "Hedgerow-Requests: 99"}, nil},
		"the type":                         {[]string{"Content-Type: a/b; c=d"}, []string{"Content-Type: a/b; c=d"}},
	}
	replies := map[string]rawhttp.Reply{}
	for name, test := range tests {
		replies[name] = rawhttp.Answered("200 OK", "hi", test.fields...)
	}
	s, rows := startRows(t, once, replies)
	for name, test := range tests {
		got := s.ask(t, "GET "+rows[name].path, "X-Request-Id: mine")
		assert.Equal(t, "200", got.Status(), name)
		assert.ElementsMatch(t, append([]string{"Content-Length: 2"}, test.want...), own(got), name)
		assert.Equal(t, []string{"X-Request-Id: mine"}, got.All("X-Request-Id"), name)
		assert.Equal(t, []string{"Hedgerow-Requests: 1"}, got.All("Hedgerow-Requests"), name)
		assert.Equal(t, []string{"X-Content-Type-Options: nosniff"}, got.All("X-Content-Type-Options"), name)
		assert.Equal(t, []string{"Content-Security-Policy: sandbox"}, got.All("Content-Security-Policy"), name)
	}
}

func TestTwoHundredFieldsPassInOrder(t *testing.T) {
	var fields, want []string
	for i := range 100 {
		fields = append(fields, fmt.Sprintf("X-A: %d", i), fmt.Sprintf("X-%03d: %d", i, i))
		want = append(want, fmt.Sprintf("X-A: %d", i))
	}
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.Answered("200 OK", "", fields...)))
	s := start(t, one(a), a)
	got := s.ask(t, "GET /proxy/a/x")
	assert.Equal(t, want, got.All("X-A"))
	assert.Len(t, own(got), 201)
}

// smuggled is what must never reach a caller.
const smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-Evil: 1\r\n\r\nsmuggled"

func TestNoSecondAnswerIsSmuggledIn(t *testing.T) {
	const (
		good   = "200"
		failed = "502"
	)
	tests := map[string]struct{ method, text, want, body string }{
		"two lengths":                 {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", failed, ""},
		"the same length twice":       {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", good, "hi"},
		"two lengths in one field":    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi", failed, ""},
		"a length that is not one":    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", failed, ""},
		"both lengths":                {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", good, "hi"},
		"both lengths, the short one": {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", good, "hi"},
		"gzip, chunked":               {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", failed, ""},
		"chunked twice":               {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", failed, ""},
		"surplus behind the answer":   {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", good, "hi"},
		"surplus behind the chunks":   {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", good, "hi"},
		"204 with a body":             {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi", "204", ""},
		"304 with a body":             {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nhi", "304", ""},
		"HEAD with a body":            {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", good, ""},
		"HEAD with chunks":            {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", good, ""},
		"an empty body":               {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", good, ""},
	}
	replies := map[string]rawhttp.Reply{}
	for name, test := range tests {
		replies[name] = raw(test.text + smuggled)
	}
	s, rows := startRows(t, once, replies)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var calling sync.WaitGroup
			const calls = 40
			for range 4 { // the next attempt may take the connection in the moment in which it is given back
				calling.Go(func() {
					for range calls / 4 {
						got := s.ask(t, test.method+" "+rows[name].path)
						assert.Equal(t, test.want, got.Status())
						assert.Empty(t, got.All("X-Evil"))
						assert.LessOrEqual(t, len(got.All("Content-Length")), 1)
						assert.Empty(t, got.All("Transfer-Encoding"))
						if test.want != failed {
							assert.Equal(t, test.body, got.Body)
						}
					}
				})
			}
			calling.Wait()
			assert.GreaterOrEqual(t, rows[name].Connections(), calls, "the connection is not used again")
		})
	}
}

func TestAnswersWithoutALengthEndWithTheConnection(t *testing.T) {
	texts := map[string]string{
		"200 without a length":                "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nto the end",
		"HTTP/1.0":                            "HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nto the end",
		"HTTP/1.0 with a length":              "HTTP/1.0 200 OK\r\nContent-Length: 10\r\nX-A: 1\r\n\r\nto the end",
		"HTTP/1.0 that says it keeps it open": "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nX-A: 1\r\n\r\nto the end",
	}
	replies := map[string]rawhttp.Reply{}
	for name, text := range texts {
		replies[name] = rawhttp.Reply{Text: text}
	}
	s, rows := startRows(t, once, replies)
	for name, text := range texts {
		for range 3 {
			got := s.ask(t, "GET "+rows[name].path)
			assert.Equal(t, "HTTP/1.1 200 OK", got.Line, name)
			assert.Equal(t, []string{"Content-Length: 10", "X-A: 1"}, own(got), name)
			assert.Equal(t, "to the end", got.Body, name)
			assert.Contains(t, got.All("Via")[0], "Via: "+text[5:8]+" hedgerow-", "by which protocol it came")
		}
		assert.Equal(t, 3, rows[name].Connections(), name)
	}
}

func TestTrailersOfAnAnswerAreDropped(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2;ext=1\r\nhi\r\n0\r\nX-T: 1\r\n\r\n")))
	s := start(t, one(a), a)
	for range 3 {
		got := s.ask(t, "GET /proxy/a/x")
		assert.Equal(t, []string{"Content-Length: 2"}, own(got))
		assert.Equal(t, "hi", got.Body)
	}
	assert.Equal(t, 1, a.Connections(), "which does not keep the connection from being used again")
}

func TestAnAnswerThatIsNotCompleteIsAFailure(t *testing.T) {
	replies := map[string]rawhttp.Reply{}
	for name, text := range map[string]string{
		"shorter than its length": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
		"without the last chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
		"a bad chunk":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
		"corrupt gzip":            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
		"cut gzip":                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + faultserver.Gzip("hello there")[:20],
		"a garbage status line":   "garbage\r\n\r\n",
		"nothing":                 "",
		"a field without a colon": "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
		"a NUL in a field":        "HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n",
	} {
		replies[name] = rawhttp.Reply{Text: text}
	}
	s, rows := startRows(t, once, replies)
	for name, row := range rows {
		got := s.ask(t, "GET "+row.path, "Accept-Encoding: gzip")
		assert.Equal(t, "502", got.Status(), name)
		assert.Equal(t, []string{"Content-Type: application/problem+json"}, got.All("Content-Type"), name)
	}
}

func TestABodyThatDoesNotMeetTheConditionIsAFailureInBoundedTime(t *testing.T) {
	replies := map[string]rawhttp.Reply{}
	for name, body := range map[string]string{
		"another status":          `{"status":"error"}`,
		"not JSON":                `status ok`,
		"10,000 levels deep":      strings.Repeat(`{"status":`, 10_000) + `"ok"` + strings.Repeat("}", 10_000),
		"10 MiB, beyond max_body": `{"x":"` + strings.Repeat("x", 10<<20) + `","status":"ok"}`,
		"UTF-16":                  "\xff\xfe{\x00\"\x00s\x00t\x00a\x00t\x00u\x00s\x00\"\x00:\x00\"\x00o\x00k\x00\"\x00}\x00",
		"with a byte order mark":  "\xef\xbb\xbf" + `{"status":"ok"}`,
		"empty":                   "",
		"cut":                     `{"status":"ok"`,
	} {
		replies[name] = rawhttp.OK(body)
	}
	s, rows := startRows(t, `strategy: first, attempts: 1, timeout: 10s, max_body: 4MiB, success: {if: 'json("status") == "ok"'}`, replies)
	for name, row := range rows {
		began := time.Now()
		got := s.ask(t, "GET "+row.path)
		assert.Equal(t, "502", got.Status(), name)
		assert.Less(t, time.Since(began), 5*time.Second, name)
		assert.Len(t, row.Received(), 1, name)
	}
}

func TestWhenTheFirstURLIsIllTheSecondAnswersByTheHedgesTime(t *testing.T) {
	const delay = 300 * time.Millisecond
	well := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("well")))
	refuses, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, refuses.Close())
	hangs, fails := rawhttp.Serve(t, rawhttp.Always(rawhttp.Reply{Hang: true})), rawhttp.Serve(t, rawhttp.Always(rawhttp.Answered("500 No", "ill")))
	for name, test := range map[string]struct {
		ill   string
		after time.Duration
	}{
		"refuses":     {"http://" + refuses.Addr().String(), 0},
		"hangs":       {hangs.URL(), delay},
		"black-holes": {"http://" + rawhttp.BlackHole(t), delay},
		"answers 500": {fails.URL(), 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, fmt.Sprintf("  a: {urls: ['%s', '%s/base'], timeout: 10s, attempts: 2, hedge: {delay: %v}}\n", test.ill, well.URL(), delay), well, hangs, fails)
			quickest := time.Hour // of some: the machine may be busy
			for range 3 {
				began := time.Now()
				got := s.ask(t, "GET /proxy/a/x")
				took := time.Since(began)
				assert.Equal(t, "200", got.Status())
				assert.Equal(t, "well", got.Body)
				assert.Equal(t, "GET /base/x HTTP/1.1", only(t, well).Line)
				assert.GreaterOrEqual(t, took, test.after)
				quickest = min(quickest, took)
			}
			assert.Less(t, quickest, test.after+100*time.Millisecond)
		})
	}
}

func TestARedirectIsPassedOnAndNeverFollowed(t *testing.T) {
	elsewhere := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("elsewhere")))
	replies := map[string]rawhttp.Reply{}
	for _, status := range []string{"301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"} {
		replies[status] = rawhttp.Answered(status, "there", "Location: "+elsewhere.URL()+"/x")
	}
	s, rows := startRows(t, once, replies)
	for status, row := range rows {
		got := s.ask(t, "GET "+row.path)
		assert.Equal(t, "HTTP/1.1 "+status, got.Line)
		assert.Equal(t, []string{"Content-Length: 5", "Location: " + elsewhere.URL() + "/x"}, own(got))
		assert.Equal(t, "there", got.Body)
		assert.Len(t, row.Received(), 1)
	}
	assert.Empty(t, elsewhere.Received())
}

func TestAnAttemptFailsByTheseStatusesAndNoOther(t *testing.T) {
	var status atomic.Int64
	a := rawhttp.Serve(t, func(string) rawhttp.Reply { return rawhttp.Answered(fmt.Sprintf("%d X", status.Load()), "") })
	s := start(t, "  a: {url: '"+a.URL()+"', strategy: first, attempts: 2}\n", a)
	for code := int64(200); code < 600; code += 1 {
		if code%100 > 31 && code != 451 && code != 499 && code != 599 {
			continue
		}
		status.Store(code)
		got := s.ask(t, "GET /proxy/a/x")
		assert.Equal(t, fmt.Sprint(code), got.Status(), "when every attempt has failed, the last answer is passed on")
		failed := code == 408 || code == 425 || code == 429 || code >= 500 && code != 508
		assert.Equal(t, failed, got.All("Hedgerow-Requests")[0] == "Hedgerow-Requests: 2" && strings.Contains(got.All("Server-Timing")[0], `desc="failed"`), code)
	}
	a.Received()
}
