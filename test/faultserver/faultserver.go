// Package faultserver is an HTTP server on raw sockets that misbehaves as a test tells it to, in ways that net/http would not
// let a server do.
package faultserver

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Behaviour answers one request on conn. The connection serves further requests only when it returns true.
type Behaviour func(conn net.Conn) (keep bool)

// Server hands its requests to behaviours in their order of arrival; the last behaviour answers all that follow.
type Server struct {
	// URL of a resource on the server. Every path is the same to it.
	URL string

	behaviours  []Behaviour
	connections *Connections

	mu       sync.Mutex
	requests []*http.Request
	arrived  chan struct{} // closed and renewed at each request
}

// New starts a server on a free loopback port. It ends with the test.
func New(t testing.TB, behaviours ...Behaviour) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, listener, "http://"+listener.Addr().String(), behaviours...)
}

// Serve is New on a listener of the caller's, for instance one that speaks TLS.
func Serve(t testing.TB, listener net.Listener, url string, behaviours ...Behaviour) *Server {
	s := &Server{URL: url + "/api/work", behaviours: behaviours, arrived: make(chan struct{})}
	s.connections = Accept(t, listener, s.serve)
	return s
}

func (s *Server) serve(conn net.Conn) {
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		request.Body = io.NopCloser(bytes.NewReader(body)) // for the test
		if !s.next(request)(conn) {
			return
		}
	}
}

// next counts a request and returns what answers it.
func (s *Server) next(request *http.Request) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
	close(s.arrived)
	s.arrived = make(chan struct{})
	return s.behaviours[min(len(s.requests), len(s.behaviours))-1]
}

// Requests returns the number of requests received so far.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// Request returns the i-th request received, from 0.
func (s *Server) Request(i int) *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[i]
}

// Connections returns how many connections are open, and how many were ever made.
func (s *Server) Connections() (open, made int) { return s.connections.Count() }

// WaitForRequests returns when n requests have been received. It fails the test after ten seconds.
func (s *Server) WaitForRequests(t testing.TB, n int) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		received, arrived := len(s.requests), s.arrived
		s.mu.Unlock()
		if received >= n {
			return
		}
		select {
		case <-arrived:
		case <-timeout:
			t.Fatalf("%d requests received, %d expected", received, n)
		}
	}
}

// Answer is a healthy answer: {"time": time}.
func Answer(time int) Behaviour { return JSON(fmt.Sprintf(`{"time": %d}`, time)) }

// JSON answers 200 with a body, whatever it is.
func JSON(body string) Behaviour { return Status(http.StatusOK, body) }

// Status answers a status with a body.
func Status(status int, body string, headers ...string) Behaviour {
	head := append([]string{
		fmt.Sprintf("HTTP/1.1 %d %s", status, http.StatusText(status)),
		"Content-Type: application/json",
		fmt.Sprintf("Content-Length: %d", len(body)),
	}, headers...)
	return Raw(strings.Join(head, "\r\n")+"\r\n\r\n"+body, true)
}

// Raw writes text as it is. Then the connection is closed unless keep is set.
func Raw(text string, keep bool) Behaviour {
	return func(conn net.Conn) bool {
		_, err := io.WriteString(conn, text)
		return keep && err == nil
	}
}

// Close closes the connection without an answer.
func Close() Behaviour { return func(net.Conn) bool { return false } }

// Reset resets the connection (RST) after writing text.
func Reset(text string) Behaviour {
	return func(conn net.Conn) bool {
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).SetLinger(0)
		return false
	}
}

// Hang writes text, which may be empty, and nothing more until the client goes away.
func Hang(text string) Behaviour {
	return func(conn net.Conn) bool {
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
		return false
	}
}

// Trickle writes text byte by byte, one each pause, then hangs.
func Trickle(text string, pause time.Duration) Behaviour {
	return func(conn net.Conn) bool {
		for i := range len(text) {
			if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
				return false
			}
			time.Sleep(pause)
		}
		return Hang("")(conn)
	}
}

// Endless writes head and then chunk again and again until the client goes away.
func Endless(head, chunk string) Behaviour {
	return func(conn net.Conn) bool {
		_, err := io.WriteString(conn, head)
		for err == nil {
			_, err = io.WriteString(conn, chunk)
		}
		return false
	}
}

// After waits and goes on with next.
func After(wait time.Duration, next Behaviour) Behaviour {
	return func(conn net.Conn) bool {
		time.Sleep(wait)
		return next(conn)
	}
}

// When waits until gate is closed and goes on with next.
func When(gate <-chan struct{}, next Behaviour) Behaviour {
	return func(conn net.Conn) bool {
		<-gate
		return next(conn)
	}
}
