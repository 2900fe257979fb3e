package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
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

// behaviour answers the n-th request, counted from 0. It returns false to leave the connection to itself: never answered, never
// read from again, never closed until the end.
type behaviour func(n int64, conn net.Conn) bool

// startUpstream listens on host, on a free port.
func startUpstream(host string, answer behaviour) (*upstream, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	u := &upstream{listener: listener}
	go u.accept(answer) // until stop
	return u, nil
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
		request, err := http.ReadRequest(reader)
		if err != nil {
			_ = conn.Close()
			return
		}
		_ = request.Body.Close()
		if !answer(u.requests.Add(1)-1, conn) {
			return
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
	return func(_ int64, conn net.Conn) bool {
		time.Sleep(d)
		_, err := io.WriteString(conn, text)
		return err == nil
	}
}

// never answers.
func never(int64, net.Conn) bool { return false }
