package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// upstream is an API inside this process, on raw sockets so that it costs little, which counts its connections and requests.
type upstream struct {
	listener net.Listener
	requests atomic.Int64
	dialled  atomic.Int64

	mu    sync.Mutex
	conns []net.Conn
}

// behaviour answers the n-th request, counted from 0. After errHold the connection is neither answered nor closed until the end,
// also when the client has closed its side; after any other error it is closed.
type behaviour func(n int64, conn net.Conn) error

var errHold = errors.New("neither answered nor closed")

// startUpstream listens on a free loopback port.
func startUpstream(answer behaviour) (*upstream, error) {
	listener, err := (&net.ListenConfig{KeepAlive: -1}).Listen(context.Background(), "tcp", "127.0.0.1:0") // no system calls for what is not measured
	if err != nil {
		return nil, err
	}
	return serveUpstream(listener, answer), nil
}

func serveUpstream(listener net.Listener, answer behaviour) *upstream {
	u := &upstream{listener: listener}
	go u.accept(answer) // until stop
	return u
}

func (u *upstream) accept(answer behaviour) {
	for {
		conn, err := u.listener.Accept()
		if err != nil {
			return
		}
		u.dialled.Add(1)
		u.mu.Lock()
		u.conns = append(u.conns, conn)
		u.mu.Unlock()
		go u.serve(conn, answer)
	}
}

func (u *upstream) serve(conn net.Conn, answer behaviour) {
	reader := bufio.NewReaderSize(conn, 1024)
	for {
		if _, err := readHead(reader); err != nil {
			_ = conn.Close()
			return
		}
		if err := answer(u.requests.Add(1)-1, conn); err != nil {
			if errors.Is(err, errHold) {
				_, err = io.Copy(io.Discard, reader)
			}
			if err != nil { // a connection that the client has reset is none any more
				_ = conn.Close()
			}
			return
		}
	}
}

// readHead reads the head of a message, cheaply: what drives a benchmark must not cost what it measures. It returns the value of
// Content-Length, 0 without one.
func readHead(reader *bufio.Reader) (int, error) {
	length := 0
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= len("\r\n") {
			return length, nil
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}

func (u *upstream) url() string { return "http://" + u.listener.Addr().String() + "/" }

func (u *upstream) stop() {
	_ = u.listener.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, conn := range u.conns {
		_ = conn.Close()
	}
}

// answerAfter is a healthy answer after d.
func answerAfter(d time.Duration) behaviour {
	body := fmt.Sprintf(`{"time": %d}`, d.Milliseconds())
	text := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return func(_ int64, conn net.Conn) error {
		if d > 0 {
			time.Sleep(d)
		}
		_, err := io.WriteString(conn, text)
		return err
	}
}

// random is the upstream of the latency targets: its times are uniform between low and high, and a share of its answers are
// failures. What it does to the n-th request depends on n alone.
func random(n int64, conn net.Conn) error {
	source := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // any n is a seed
	time.Sleep(seconds(low + (high-low)*source.Float64()))
	status, body := "200 OK", `{"time": 1}`
	if source.Float64() < failures {
		status, body = "500 Internal Server Error", `{}`
	}
	_, err := fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	return err
}

// never answers.
func never(int64, net.Conn) error { return errHold }
