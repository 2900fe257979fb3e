package listen

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"

	"hedgerow/internal/logs"
)

// LimitConnections returns a listener with at most n connections open. Further ones wait to be accepted. When accepting fails, for
// example because the process has no file descriptor left, a line is logged once a minute: net/http tries again and logs nothing.
func LimitConnections(listener net.Listener, n int, logger *slog.Logger) net.Listener {
	return &limitedListener{Listener: listener, logger: logger, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener

	logger   *slog.Logger
	failures logs.Limit
	slots    chan struct{} // has an element for each connection open
	closed   chan struct{}
	once     sync.Once
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	release := sync.OnceFunc(func() { <-l.slots })
	conn, err := l.Listener.Accept()
	if err != nil {
		release()
		l.tell(err)
		return nil, err
	}
	return &limitedConn{conn, release}, nil
}

func (l *limitedListener) tell(err error) {
	if errors.Is(err, net.ErrClosed) {
		return
	}
	if unlogged, ok := l.failures.Due(); ok {
		l.logger.Warn("connections cannot be accepted: callers wait", "error", err, "unlogged", unlogged)
	}
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn

	release func()
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// SyscallConn is for Connection.Arrival.
func (c *limitedConn) SyscallConn() (syscall.RawConn, error) {
	if conn, ok := c.Conn.(syscall.Conn); ok {
		return conn.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite is called by net/http, where it exists, so that an answer to a request that is not read to its end, such as a 431, does
// not end in a reset.
func (c *limitedConn) CloseWrite() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.CloseWrite()
	}
	return nil
}
