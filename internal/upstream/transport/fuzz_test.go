package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scripted is a connection on which an API says the same, whatever it is asked.
type scripted struct {
	*bytes.Reader

	once  *sync.Once
	asked chan struct{} // closed by the first request, or the end
}

func newScripted(raw []byte) scripted {
	return scripted{bytes.NewReader(raw), new(sync.Once), make(chan struct{})}
}

func (s scripted) Write(p []byte) (int, error) { return len(p), s.Close() }

func (s scripted) Close() error {
	s.once.Do(func() { close(s.asked) })
	return nil
}

func (s scripted) Read(p []byte) (int, error) {
	<-s.asked
	return s.Reader.Read(p)
}

func (scripted) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (scripted) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (scripted) SetDeadline(time.Time) error      { return nil }
func (scripted) SetReadDeadline(time.Time) error  { return nil }
func (scripted) SetWriteDeadline(time.Time) error { return nil }

// byNetHTTP is what net/http makes of an API's bytes. Its buffer is as large as all of them, so that trailers have room.
func byNetHTTP(method string, raw []byte) got {
	t := &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return newScripted(raw), nil },
		DisableCompression: true, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeaderBytes, ReadBufferSize: 64 << 10,
	}
	request, _ := http.NewRequest(method, "http://api.example/x", nil)
	response, err := t.RoundTrip(request)
	if err != nil {
		return got{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols { // its body is what follows, for another protocol
		return got{status: response.StatusCode, header: response.Header}
	}
	body, err := io.ReadAll(response.Body)
	return got{response.StatusCode, response.Header, string(body), 1, err}
}

func byOurs(method string, raw []byte) got {
	o := NewOrigin(Settings{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, MaxConnections: 1})
	defer o.Close()
	o.dialer.connect = func(context.Context, string) (net.Conn, error) { return newScripted(raw), nil }
	r, _ := NewRequest(method, "/x", "api.example", http.Header{}, nil)
	return ask(context.Background(), o, r, Attempt{})
}

// FuzzAnswer: of whatever an API sends, an attempt gets what net/http gets: status, fields and body, or an error.
func FuzzAnswer(f *testing.F) {
	for _, raw := range []string{
		ok + two, ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ok + "\r\nto the end", "HTTP/1.0 200 OK\n\nok", "HTTP/1.1 204\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n" + ok + two, "HTTP/1.1 103 Early\r\nA: b\r\n\r\n" + ok + two, "HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n" + ok + two,
		ok + "X: a\r\n b\r\nX: c\r\n" + two, ok + "Content-Length: 2\r\n" + two, ok + "Content-Length: 3\r\n" + two, ok + "Content-Length: 9\r\n\r\nok",
		ok + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\nT: x\r\n\r\n", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n",
		ok + "Connection: close, X\r\nX: y\r\n" + two, ok + "Pragma: no-cache\r\n" + two, "HTTP/1.1 304 x\r\nContent-Length: 7\r\n\r\nok", "HTTP/1.1 050 X\r\n\r\n",
		ok + "Transfer-Encoding: chunked\r\n\r\n2;ext=1\r\nok\r\n0\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "", "HTTP", "\r\n" + ok + two, ok + "X : y\r\n" + two,
		ok + ": x\r\n" + two, ok + "X\r\n" + two, ok + strings.Repeat("X: y\r\n", 300) + two,
	} {
		f.Add(false, []byte(raw))
		f.Add(true, []byte(raw))
	}
	f.Fuzz(func(t *testing.T, head bool, raw []byte) {
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		theirs, ours := byNetHTTP(method, raw), byOurs(method, raw)
		if theirs.err == nil && theirs.status < 100 {
			require.Error(t, ours.err, "there is no such status")
			return
		}
		if explained(raw, head, theirs.err) {
			return
		}
		assert.Equal(t, theirs.err == nil, ours.err == nil, "%v, %v", theirs.err, ours.err)
		if theirs.err != nil || ours.err != nil {
			return
		}
		assert.Equal(t, theirs.status, ours.status)
		assert.Equal(t, theirs.body, ours.body)
		assert.Equal(t, fields(theirs.header), fields(ours.header))
	})
}

// explained tells whether the two may differ, for a reason that is known. err is net/http's.
func explained(raw []byte, head bool, err error) bool {
	why := ""
	if err != nil {
		why = err.Error()
	}
	lower := bytes.ToLower(raw)
	switch {
	case bytes.Contains(raw, []byte(" :")): // net/http keeps the space in the name
	case otherVersion.Match(raw): // net/http takes any
	case bytes.Contains(lower, []byte("http/1.0")) && bytes.Contains(lower, []byte("transfer-encoding")): // net/http ignores the coding, which RFC 9112 calls faulty
	case strings.Contains(why, "too many 1xx"): // the header's limit bounds ours
	case strings.Contains(why, "trailer"): // net/http wants CRLF there, in its buffer
	case head && strings.Contains(why, "transfer encoding"): // of a body that is not there
	default:
		return false
	}
	return true
}

// otherVersion is a version of HTTP other than 1.x.
var otherVersion = regexp.MustCompile(`HTTP/[02-9]`)

// fields are those of a header but those that net/http takes away or adds for its own sake.
func fields(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range []string{"Connection", "Transfer-Encoding", "Trailer", "Cache-Control", "Content-Length"} {
		delete(h, name)
	}
	return h
}
