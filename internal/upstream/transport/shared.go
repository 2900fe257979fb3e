package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// shared has an origin's HTTP/2 connections, each for many requests at once. The first attempts of calls use other ones than the further
// attempts: a hedge would hang with the attempt that it is to save.
type shared struct {
	dial  func(number int) (*sharedConn, error)
	maker *http.Transport

	mu     sync.Mutex
	lanes  [2]lane
	closed bool
}

// lane has the connections of first attempts, or of the others.
type lane struct {
	conns    []*sharedConn
	dialling *dialling // nil when nobody does
	wasted   int       // connections in a row that ended before anybody could use them
}

// dialling is a dial that several attempts may wait for.
type dialling struct {
	done chan struct{} // closed at its end
	err  error
}

// sharedConn is an HTTP/2 connection.
type sharedConn struct {
	*http.ClientConn

	made   time.Time
	spoke  atomic.Int64 // nanoseconds after made when it last gave an answer
	served bool         // a request has been sent on it; under shared.mu
}

func (c *sharedConn) heard() { c.spoke.Store(int64(time.Since(c.made))) }

func (c *sharedConn) spokeSince(t time.Time) bool {
	return c.made.Add(time.Duration(c.spoke.Load())).After(t)
}

// socketKey is the context's key of the socket for a new connection.
type socketKey struct{}

// newShared returns what has no connection yet. dial makes one.
func newShared(dial func(number int) (*sharedConn, error)) *shared {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	socket := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return ctx.Value(socketKey{}).(net.Conn), nil
	}
	return &shared{dial: dial, maker: &http.Transport{
		DialContext: socket, DialTLSContext: socket, DisableCompression: true,
		MaxResponseHeaderBytes: maxHeaderBytes, IdleConnTimeout: idleTimeout, Protocols: &protocols,
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}}
}

// make makes an HTTP/2 connection of a socket.
func (s *shared) make(ctx context.Context, scheme string, socket net.Conn) (*sharedConn, error) {
	c, err := s.maker.NewClientConn(context.WithValue(ctx, socketKey{}, socket), scheme, "origin:0") // the address is not looked at
	if err != nil {
		cut(socket)
		return nil, err
	}
	return &sharedConn{ClientConn: c, made: time.Now()}, nil
}

// add keeps a connection for the attempts of a number, or for the others when they have none; when nobody needs it, it is closed.
func (s *shared) add(number int, c *sharedConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := min(number, 1)
	for _, i := range []int{own, 1 - own} {
		if len(s.lanes[i].conns) == 0 && !s.closed {
			s.lanes[i].conns = append(s.lanes[i].conns, c)
			return
		}
	}
	_ = c.Close()
}

// take returns a connection with room for a request of an attempt of that number, and whether it has been used before. It makes one
// when there is none.
func (s *shared) take(ctx context.Context, number int) (c *sharedConn, kept bool, err error) {
	for {
		c, kept, d := s.find(number)
		switch {
		case c != nil:
			return c, kept, nil
		case d == nil:
			return nil, false, errWasted
		}
		select {
		case <-d.done:
			if d.err != nil {
				return nil, false, d.err
			}
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// errWasted is why no further connection is made for an attempt.
var errWasted = errors.New("new HTTP/2 connections end before they can be used")

// find returns a connection with room, or the dial to wait for, or neither when dials are of no use.
func (s *shared) find(number int) (c *sharedConn, kept bool, d *dialling) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.lanes[min(number, 1)]
	l.conns = slices.DeleteFunc(l.conns, func(c *sharedConn) bool {
		if time.Since(c.made) >= maxAge {
			c.retire()
			return true
		}
		if c.Err() == nil && (c.Available() > 0 || c.InFlight() > 0) {
			return false
		}
		c.retire() // it takes no requests, and may be open
		if !c.served {
			l.wasted++
		}
		return true
	})
	for _, c := range l.conns {
		if c.Reserve() == nil {
			kept, c.served = c.served, true
			l.wasted = 0
			return c, kept, nil
		}
	}
	if l.wasted >= maxSends {
		l.wasted = 0 // the next attempt tries again
		return nil, false, nil
	}
	if l.dialling == nil {
		l.dialling = &dialling{done: make(chan struct{})}
		go s.dialFor(l, number)
	}
	return nil, false, l.dialling
}

// dialFor makes a connection for a lane.
func (s *shared) dialFor(l *lane, number int) {
	c, err := s.dial(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	d := l.dialling
	l.dialling = nil
	d.err = err
	switch {
	case err != nil:
	case s.closed:
		_ = c.Close()
	default:
		l.conns = append(l.conns, c)
	}
	close(d.done)
}

// leave gives up the connections that have not spoken since a time. Requests that are under way on them go on.
func (s *shared) leave(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.lanes {
		s.lanes[i].conns = slices.DeleteFunc(s.lanes[i].conns, func(c *sharedConn) bool {
			if c.spokeSince(since) {
				return false
			}
			c.retire()
			return true
		})
	}
}

// retire closes the connection as soon as no request is under way on it.
func (c *sharedConn) retire() {
	closeIdle := func(cc *http.ClientConn) {
		if cc.InFlight() == 0 {
			_ = cc.Close()
		}
	}
	c.SetStateHook(closeIdle)
	closeIdle(c.ClientConn)
}

// close closes what is idle, and the rest when its last request has ended.
func (s *shared) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for i := range s.lanes {
		for _, c := range s.lanes[i].conns {
			c.retire()
		}
		s.lanes[i].conns = nil
	}
}
