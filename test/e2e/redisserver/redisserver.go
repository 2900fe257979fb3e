// Package redisserver runs a Redis (Debian: redis-server) for tests, and lets it fail.
package redisserver

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Server is a Redis without a disk, on a port of the loopback interface.
type Server struct {
	// Addr is its host and port, which stay when it is started again.
	Addr string

	command *exec.Cmd
	port    string
	options []string
}

// patience is how long it may take to start.
const patience = 20 * time.Second

// New starts a Redis with options of redis-server, such as "--maxmemory", "1mb". It ends with the test.
func New(t testing.TB, options ...string) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(addr)
	s := &Server{Addr: addr, port: port, options: options}
	t.Cleanup(s.Kill)
	s.Start(t)
	return s
}

// URL is what HEDGEROW_REDIS_URL has to be.
func (s *Server) URL() string { return "redis://" + s.Addr }

// Start starts it, empty, and waits until it takes connections.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.command = exec.Command("redis-server", append([]string{
		"--port", s.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", "/dev/null",
	}, s.options...)...)
	if err := s.command.Start(); err != nil {
		t.Fatalf("redis-server (Debian's package of that name): %v", err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.Addr)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("redis-server does not listen within %v", patience)
		}
	}
}

// Kill ends it at once, as a crash does.
func (s *Server) Kill() {
	if s.command != nil {
		_ = s.command.Process.Kill()
		_ = s.command.Wait()
		s.command = nil
	}
}

// Stall has it take connections and answer nothing.
func (s *Server) Stall(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// GoOn ends a stall.
func (s *Server) GoOn(t testing.TB) { s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := s.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// Tell sends it a command, such as "CONFIG SET maxmemory 1", and expects the answer OK.
func (s *Server) Tell(t testing.TB, command string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || answer != "+OK\r\n" {
		t.Fatalf("%s: %q, %v", command, answer, err)
	}
}
