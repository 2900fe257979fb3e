// Package rawhttp has an HTTP server of raw bytes, and takes messages into their parts: for tests of what passes between a caller and
// an API.
package rawhttp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// Server is a server of raw bytes, which keeps what it received.
type Server struct {
	net.Listener

	connections *faultserver.Connections

	mu       sync.Mutex
	requests []string
}

// Reply is what a server sends for a request. Without Keep the connection ends with it, and with Hang it stays open in silence.
type Reply struct {
	Text       string
	Keep, Hang bool
}

// OK is a good answer with a body.
func OK(body string) Reply { return Answered("200 OK", body) }

// Answered is an answer with the code and phrase of a status, a Content-Length, and fields such as "X-A: 1".
func Answered(status, body string, fields ...string) Reply {
	head := append([]string{"HTTP/1.1 " + status, fmt.Sprintf("Content-Length: %d", len(body))}, fields...)
	return Reply{Text: strings.Join(head, "\r\n") + "\r\n\r\n" + body, Keep: true}
}

// Always gives each request the same reply.
func Always(r Reply) func(string) Reply { return func(string) Reply { return r } }

// Serve starts a server that ends with the test. answer gets the bytes of each request, on any goroutine.
func Serve(t *testing.T, answer func(request string) Reply) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &Server{Listener: listener}
	s.connections = faultserver.Accept(t, listener, func(conn net.Conn) { s.serve(conn, answer) })
	return s
}

func (s *Server) serve(conn net.Conn, answer func(string) Reply) {
	reader := bufio.NewReader(conn)
	for {
		request, err := readRequest(reader)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, request)
		s.mu.Unlock()
		r := answer(request)
		if _, err := io.WriteString(conn, r.Text); err != nil {
			return
		}
		if r.Hang {
			_, _ = io.Copy(io.Discard, reader) // until the other side has gone
			return
		}
		if !r.Keep {
			return
		}
	}
}

// HangUp closes every connection.
func (s *Server) HangUp() { s.connections.HangUp() }

// Received returns the requests so far, and forgets them.
func (s *Server) Received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

// Count is the number of requests that Received would return.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// Connections counts the connections so far.
func (s *Server) Connections() int {
	_, made := s.connections.Count()
	return made
}

// Open counts the connections at the moment.
func (s *Server) Open() int {
	open, _ := s.connections.Count()
	return open
}

// URL is the server's base URL.
func (s *Server) URL() string { return "http://" + s.Addr().String() }
