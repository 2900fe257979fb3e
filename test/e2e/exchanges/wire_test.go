package exchanges

import (
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/rawhttp"
)

const patience = 20 * time.Second

// content is a body as it goes over the wire, and the field that says where it ends.
type content struct {
	field, wire string
	// closes says that the connection ends with it.
	closes bool
}

// sized has a Content-Length.
func sized(body string) content {
	return content{field: fmt.Sprintf("Content-Length: %d", len(body)), wire: body}
}

// chunked goes in chunks of at most size bytes, with what follows the size in the first line of each.
func chunked(body string, size int, extension string, trailers ...string) content {
	var b strings.Builder
	for rest := []byte(body); len(rest) > 0; {
		n := min(size, len(rest))
		_, _ = fmt.Fprintf(&b, "%x%s\r\n%s\r\n", n, extension, rest[:n])
		rest = rest[n:]
	}
	b.WriteString("0\r\n" + strings.Join(append(trailers, ""), "\r\n") + "\r\n")
	return content{field: "Transfer-Encoding: chunked", wire: b.String()}
}

// untilClosed ends with the connection.
func untilClosed(body string) content { return content{wire: body, closes: true} }

// behind is a message with this head.
func (c content) behind(head []string) string {
	if c.field != "" {
		head = append(head, c.field)
	}
	return strings.Join(head, "\r\n") + "\r\n\r\n" + c.wire
}

// server is the API. It answers each exchange as the exchange says.
type server struct {
	*rawhttp.Server

	mu       sync.Mutex
	replies  map[string]rawhttp.Reply
	requests map[string][]rawhttp.Message
}

// inTarget finds what expect was told in a request's target.
var inTarget = regexp.MustCompile(`^[!-~]+ /v1(/[a-z]+-\d+)`)

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{replies: map[string]rawhttp.Reply{}, requests: map[string][]rawhttp.Message{}}
	s.Server = rawhttp.Serve(t, func(request string) rawhttp.Reply {
		s.mu.Lock()
		defer s.mu.Unlock()
		id := ""
		if found := inTarget.FindStringSubmatch(request); found != nil {
			id = found[1]
		}
		s.requests[id] = append(s.requests[id], rawhttp.Split(request))
		return s.replies[id]
	})
	return s
}

// expect makes the server answer requests for paths below id.
func (s *server) expect(id string, e exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[id] = e.reply()
}

// received waits for so many requests, and forgets them.
func (s *server) received(t *testing.T, id string, count int) []rawhttp.Message {
	t.Helper()
	take := func() []rawhttp.Message {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.requests[id]
	}
	assert.Eventually(t, func() bool { return len(take()) >= count }, patience, time.Millisecond)
	requests := take()
	require.Len(t, requests, count)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return requests
}

// unexpected are requests that no exchange has waited for.
func (s *server) unexpected() []rawhttp.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []rawhttp.Message
	for _, requests := range s.requests {
		all = append(all, requests...)
	}
	return all
}

var interimHead = regexp.MustCompile(`^HTTP/1\.1 1\d\d [^\r]*\r\n(?:[^\r]+\r\n)*\r\n`)

// call sends a request and returns its final answer. ends tells the other side that nothing follows; without it the request has to.
func call(t *testing.T, addr, request string, ends bool) rawhttp.Message {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	if ends {
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	}
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	text := string(got)
	for {
		head := interimHead.FindString(text)
		if head == "" {
			return rawhttp.Split(text)
		}
		text = text[len(head):]
	}
}

// bodyOf is a message's body out of its chunks.
func bodyOf(t *testing.T, m rawhttp.Message) string {
	t.Helper()
	if !slices.Contains(normal(m), "transfer-encoding: chunked") || m.Body == "" { // the answer to HEAD has none
		return m.Body
	}
	body, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(m.Body)))
	require.NoError(t, err)
	return string(body)
}

// normal are the fields of a message, each as "name: value".
func normal(m rawhttp.Message) []string {
	fields := make([]string, len(m.Fields))
	for i, field := range m.Fields {
		name, value, _ := strings.Cut(field, ":")
		fields[i] = strings.ToLower(name) + ": " + strings.Trim(value, " \t")
	}
	return fields
}
