package http_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// wire is a caller's connection in memory. It has all that the caller sends. When the server wants more, the caller hangs up, unless a
// call is running whose answer it still waits for.
type wire struct {
	done chan struct{} // closed when the server has written all that it will

	mu       sync.Mutex
	changed  *sync.Cond
	sends    string
	got      strings.Builder
	waits    bool // a request has been read and not been answered
	deadline time.Time
	timer    *time.Timer
	closed   bool
}

func newWire(sends string) *wire {
	w := &wire{done: make(chan struct{}), sends: sends}
	w.changed = sync.NewCond(&w.mu)
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.closed:
			return 0, net.ErrClosed
		case !w.deadline.IsZero() && !time.Now().Before(w.deadline):
			return 0, os.ErrDeadlineExceeded
		case w.sends != "":
			n := copy(p, w.sends)
			w.sends = w.sends[n:]
			return n, nil
		case !w.waits && len(p) > 1: // net/http watches for a caller that hangs up with reads of one byte
			return 0, io.EOF
		}
		w.changed.Wait()
	}
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !bytes.HasPrefix(p, []byte("HTTP/1.1 100 ")) {
		w.waits = false
		w.changed.Broadcast()
	}
	return w.got.Write(p)
}

// begins is told that the server has read a request.
func (w *wire) begins() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = true
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.changed.Broadcast()
	w.end()
	return nil
}

// CloseWrite is called by net/http long before Close when it has not read all that the caller sends.
func (w *wire) CloseWrite() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end()
	return nil
}

func (w *wire) end() {
	select {
	case <-w.done:
	default:
		close(w.done)
	}
}

func (w *wire) SetReadDeadline(deadline time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
	w.deadline, w.timer = deadline, nil
	if !deadline.IsZero() {
		w.timer = time.AfterFunc(time.Until(deadline), w.changed.Broadcast)
	}
	w.changed.Broadcast()
	return nil
}

func (w *wire) SetDeadline(deadline time.Time) error { return w.SetReadDeadline(deadline) }
func (*wire) SetWriteDeadline(time.Time) error       { return nil }
func (*wire) LocalAddr() net.Addr                    { return &net.TCPAddr{} }
func (*wire) RemoteAddr() net.Addr                   { return &net.TCPAddr{} }

// wires is a listener in memory.
type wires chan net.Conn

func (w wires) Accept() (net.Conn, error) {
	if conn, ok := <-w; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (wires) Close() error   { return nil }
func (wires) Addr() net.Addr { return &net.TCPAddr{} }
