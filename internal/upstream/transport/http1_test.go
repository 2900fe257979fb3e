package transport

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

func newOrigin(t *testing.T, server *faultserver.Server) *Origin {
	t.Helper()
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	o := NewOrigin(Settings{URL: u, MaxConnections: 64})
	t.Cleanup(o.Close)
	return o
}

func newRequest(t *testing.T, method string, body []byte) *Request {
	t.Helper()
	r, err := NewRequest(method, "/x", "api.example", http.Header{"X-A": {"1"}}, body)
	require.NoError(t, err)
	r.Repeatable = method == http.MethodGet
	return r
}

// got is an answer, read to its end.
type got struct {
	status int
	header http.Header
	body   string
	sent   int
	err    error
}

func ask(ctx context.Context, o *Origin, r *Request, a Attempt) got {
	response, sent, err := o.Do(ctx, r, a)
	if err != nil {
		return got{sent: sent, err: err}
	}
	defer response.End()
	body, err := io.ReadAll(response)
	return got{response.Status, response.Header, string(body), sent, err}
}

const (
	ok  = "HTTP/1.1 200 OK\r\n"
	two = "Content-Length: 2\r\n\r\nok"
)

func TestAConnectionIsUsedAgainOnlyWhenBothSidesKnowWhereTheAnswerHasEnded(t *testing.T) {
	long := strings.Repeat("x", 3<<10)
	for name, test := range map[string]struct {
		raw  string
		body string
		kept bool
	}{
		"length":                     {ok + two, "ok", true},
		"no body":                    {"HTTP/1.1 204 No Content\r\n\r\n", "", true},
		"no body, as it says":        {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "", true},
		"no body, but it says so":    {"HTTP/1.1 204 No Content\r\n" + two[:len(two)-2], "", false},
		"no chunks, but it says so":  {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "", false},
		"chunks":                     {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok", true},
		"trailers":                   {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", "ok", true},
		"3 KiB of trailers":          {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: " + long + "\r\nY: " + long + "\r\n\r\n", "ok", true},
		"3 KiB of an extension":      {ok + "Transfer-Encoding: chunked\r\n\r\n2;x=" + long + "\r\nok\r\n0\r\n\r\n", "ok", true},
		"interim answers":            {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 404 No\r\n" + two, "ok", true},
		"a space before colons":      {ok + "X-A : 1\r\nTransfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok", true},
		"a repeated length":          {ok + "Content-Length: 2\r\n" + two, "ok", true},
		"both lengths":               {ok + "Transfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok", false},
		"close":                      {ok + "Connection: X-Y, Close\r\n" + two, "ok", false},
		"HTTP/1.0":                   {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + two, "ok", false},
		"a stray byte":               {ok + two + "\n", "ok", false},
		"a second answer":            {ok + two + ok + two, "ok", false},
		"a body where there is none": {"HTTP/1.1 304 Not Modified\r\n\r\nok", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := faultserver.New(t, faultserver.Raw(test.raw, true))
			o := newOrigin(t, server)
			for range 3 {
				a := ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{})
				require.NoError(t, a.err)
				assert.Equal(t, test.body, a.body)
				assert.Equal(t, 1, a.sent)
			}
			_, dialled := server.Connections()
			assert.Equal(t, map[bool]int{true: 1, false: 3}[test.kept], dialled)
		})
	}
}

func TestAnAnswerThatIsNotClearIsAnError(t *testing.T) {
	for name, raw := range map[string]string{
		"lengths that differ":        ok + "Content-Length: 3\r\n" + two,
		"a list of lengths":          ok + "Content-Length: 2, 2\r\n\r\nok",
		"a signed length":            ok + "Content-Length: +2\r\n\r\nok",
		"an unknown coding":          ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"two codings":                ok + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunks of HTTP/1.0":         "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"HTTP/2":                     "HTTP/2.0 200 OK\r\n" + two,
		"two digits":                 "HTTP/1.1 20 OK\r\n" + two,
		"four digits":                "HTTP/1.1 2000 OK\r\n" + two,
		"a status below 100":         "HTTP/1.1 050 OK\r\n" + two,
		"a signed status":            "HTTP/1.1 +20 OK\r\n" + two,
		"a line that is no field":    ok + "X\r\n" + two,
		"a header of 33 KiB":         ok + "X: " + strings.Repeat("x", 33<<10) + "\r\n" + two,
		"interim answers for ever":   strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 2000),
		"trailers of 40 KiB":         ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + strings.Repeat("X: "+strings.Repeat("y", 997)+"\r\n", 40) + "\r\n",
		"a trailer that is no field": ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			server := faultserver.New(t, faultserver.Raw(raw, false))
			a := ask(t.Context(), newOrigin(t, server), newRequest(t, http.MethodGet, nil), Attempt{})
			require.Error(t, a.err)
			assert.Equal(t, 1, server.Requests())
		})
	}
}

func TestARequestIsSentAgainOnceAndOnlyWhenNobodyCanHaveActedOnIt(t *testing.T) {
	served, timedOut := faultserver.Raw(ok+two, true), faultserver.Raw("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"+two, false)
	for name, test := range map[string]struct {
		method string
		then   []faultserver.Behaviour // behind the first answer
		sent   int
		status int // 0: an error
	}{
		"GET on a connection that ends":         {http.MethodGet, []faultserver.Behaviour{faultserver.Close(), served}, 2, 200},
		"GET on a connection that is reset":     {http.MethodGet, []faultserver.Behaviour{faultserver.Reset(""), served}, 2, 200},
		"GET on a connection that is timed out": {http.MethodGet, []faultserver.Behaviour{timedOut, served}, 2, 200},
		"GET, and the new one ends too":         {http.MethodGet, []faultserver.Behaviour{faultserver.Close()}, 2, 0},
		"GET, after the answer has begun":       {http.MethodGet, []faultserver.Behaviour{faultserver.Raw("HTTP", false), served}, 1, 0},
		"GET, and the new one says 408":         {http.MethodGet, []faultserver.Behaviour{timedOut}, 2, 408},
		"POST on a connection that ends":        {http.MethodPost, []faultserver.Behaviour{faultserver.Close(), served}, 1, 0},
		"POST on one that is timed out":         {http.MethodPost, []faultserver.Behaviour{timedOut, served}, 1, 408},
	} {
		t.Run(name, func(t *testing.T) {
			server := faultserver.New(t, append([]faultserver.Behaviour{served}, test.then...)...)
			o := newOrigin(t, server)
			require.NoError(t, ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{}).err)
			a := ask(t.Context(), o, newRequest(t, test.method, []byte("x")), Attempt{})
			assert.Equal(t, test.sent, a.sent)
			assert.Equal(t, test.sent, server.Requests()-1)
			assert.Equal(t, test.status, a.status)
			assert.Equal(t, test.status == 0, a.err != nil)
		})
	}
}

func TestAnAnswerToALargeBodyCountsAlsoWhenTheBodyWasNotRead(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(c, make([]byte, 100))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\n"+two)
		}
	}()
	o := NewOrigin(Settings{URL: &url.URL{Scheme: "http", Host: listener.Addr().String()}})
	defer o.Close()
	a := ask(t.Context(), o, newRequest(t, http.MethodPost, make([]byte, 16<<20)), Attempt{})
	require.NoError(t, a.err)
	assert.Equal(t, 413, a.status)
	assert.Zero(t, o.Idle(), "the rest of the body would be taken for a request")
}

func TestWhatIsWrittenIsWhatWasGiven(t *testing.T) {
	for _, body := range []string{"", "body", strings.Repeat("x", 1<<20)} {
		server := faultserver.New(t, faultserver.Raw(ok+two, true))
		r, err := NewRequest(http.MethodPut, "//a|b?c^d", "api.example", http.Header{"X-B": {"2", ""}, "user-agent": {""}}, []byte(body))
		require.NoError(t, err)
		require.NoError(t, ask(t.Context(), newOrigin(t, server), r, Attempt{}).err)
		request := server.Request(0)
		assert.Equal(t, "//a|b?c^d", request.RequestURI)
		assert.Equal(t, "api.example", request.Host)
		assert.Equal(t, http.Header{"X-B": {"2", ""}, "User-Agent": {""}, "Content-Length": {strconv.Itoa(len(body))}}, request.Header)
		written, err := io.ReadAll(request.Body)
		require.NoError(t, err)
		assert.Equal(t, body, string(written))
	}
}

func TestARequestThatCouldBeReadAsTwoIsNotMade(t *testing.T) {
	for _, test := range []struct {
		target string
		header http.Header
	}{
		{"x", nil}, {"/x y", nil}, {"/x\r\nY: 1", nil}, {"/\x00", nil}, {"/\u00e9", nil}, {"", nil},
		{"/", http.Header{"X": {"a\r\nY: 1"}}}, {"/", http.Header{"X": {"a\nb"}}}, {"/", http.Header{"X\r\nY": {"1"}}}, {"/", http.Header{"X Y": {"1"}}}, {"/", http.Header{"": {"1"}}},
	} {
		_, err := NewRequest(http.MethodGet, test.target, "h", test.header, nil)
		require.Error(t, err, "%+v", test)
	}
	_, err := NewRequest(http.MethodGet, "/", "h", http.Header{"X": {"secret\n"}}, nil)
	assert.NotContains(t, err.Error(), "secret")
}
