// Package testserver is the built-in testing server. It stands in for the upstream and is slow and unreliable on purpose.
package testserver

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Path is the resource that does the work.
const Path = "/api/work"

// Server answers GET Path with {"time": N} after N milliseconds, or fails as its settings say. GET /livez answers 200 at once.
// It is an http.Handler, safe for concurrent use.
//
// A request ends early when its context does: the client has gone, or http.Server.Close was called. http.Server.Shutdown waits
// for requests that hang. To end them first, cancel the server's BaseContext.
type Server struct {
	mux      *http.ServeMux
	settings Settings // Seed is the one in use

	mu       sync.Mutex // makes the order of arrival the order of the draws
	random   *rand.Rand
	requests int64
}

// New returns a server. The settings are not checked here: internal/config does.
func New(s Settings) *Server {
	if s.Seed == 0 {
		s.Seed = 1 + rand.Uint64N(math.MaxUint64) // never 0: the logged seed has to give the same plan again
	}
	server := &Server{mux: http.NewServeMux(), settings: s, random: rand.New(rand.NewPCG(s.Seed, 0))}
	server.mux.HandleFunc("GET "+Path, server.work)
	server.mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	return server
}

// Seed returns the seed in use, never 0. A server with the same settings and this seed has the same plan.
func (s *Server) Seed() uint64 { return s.settings.Seed }

// Requests returns how many requests for work were received, unanswered ones included. Refused methods do not count.
func (s *Server) Requests() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// ServeHTTP panics with http.ErrAbortHandler when a request gets no answer. net/http then drops the connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) work(w http.ResponseWriter, r *http.Request) {
	p := s.next()
	// net/http notices that a client has gone only after the request's body was read to its end.
	_, _ = io.Copy(io.Discard, r.Body)
	if p.kind == hang {
		<-r.Context().Done()
	} else {
		wait(r.Context(), p.delay)
	}
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // returning would answer 200
	}

	switch p.kind {
	case fail:
		write(w, http.StatusInternalServerError, "application/json", `{"error": "the work failed"}`)
	case reset:
		resetConnection(w)
	case garbage:
		write(w, http.StatusOK, "text/html", "<html>This is not JSON.</html>")
	default:
		write(w, http.StatusOK, "application/json", fmt.Sprintf(`{"time": %d}`, p.delay.Milliseconds()))
	}
}

// next counts a request and returns its plan.
func (s *Server) next() plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return s.settings.draw(s.random)
}

// wait returns after delay, or when ctx is done.
func wait(ctx context.Context, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func write(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// resetConnection makes the client see a connection reset. A connection without a linger setting (TLS) is closed. One that cannot
// be taken over (HTTP/2) is aborted.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0) // unsent data is dropped and close sends RST instead of FIN
	}
	_ = conn.Close()
}
