// Package pipes has a listener in memory, for tests with fake time.
package pipes

import (
	"net"
	"sync"
)

// Listener accepts what is dialled through it.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

// Listen returns a listener that is open.
func Listen() Listener {
	l := Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// Dial returns a connection when it has been accepted.
func (l Listener) Dial() net.Conn {
	near, far := net.Pipe()
	l.conns <- far
	return near
}

// Accept is part of net.Listener, as are the others.
func (l Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l Listener) Close() error { l.close(); return nil }

// Addr is nowhere.
func (Listener) Addr() net.Addr { return &net.TCPAddr{} }
