// Package transport makes the requests of attempts at one origin and owns the connections to it. An attempt over HTTP/1.1 writes and
// reads its connection on its own goroutine, with the parsers of net/http. HTTP/2 is net/http's, connection by connection.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	// maxSends is how often an attempt's request is sent at most, whatever becomes of its connections.
	maxSends = 3
	// silence is how long a kept connection must have been silent when its attempt is cut, before others are taken for dead with it.
	silence = 100 * time.Millisecond
)

// Protocol says how requests go over a connection.
type Protocol int

const (
	// Auto is HTTP/1.1 in clear text. With TLS the two sides agree on HTTP/2 or HTTP/1.1.
	Auto Protocol = iota
	// HTTP1 is HTTP/1.1, with TLS too.
	HTTP1
	// H2C is HTTP/2, in clear text with prior knowledge. With TLS it is as Auto.
	H2C
)

// Settings of an Origin. They are not checked here.
type Settings struct {
	// URL has the scheme, the host and the port, if not the scheme's. What else it has is not looked at.
	URL *url.URL
	// MaxConnections is the most connections, those being dialled included. All of them may be kept idle. 0: no limit.
	MaxConnections int
	// Roots are the authorities whose certificates are trusted. nil: the system's.
	Roots *x509.CertPool
	// Certificate is this client's own. nil: none.
	Certificate *tls.Certificate
	Protocol    Protocol
	// ObserveConnection, when set, is called for every connection made. It must not block.
	ObserveConnection func()
	// ObserveRequest, when set, is called for every request written. again is true when the attempt has written it before. It must not
	// block.
	ObserveRequest func(again bool)
}

// Origin is a scheme, a host and a port, with the connections to it. It is safe for concurrent use.
type Origin struct {
	scheme         string
	protocol       Protocol
	observeRequest func(again bool)
	dialer         *dialer
	pool           *pool
	shared         *shared
	http2          atomic.Bool   // the last connection made speaks HTTP/2
	silence        time.Duration // the constant, but for tests
}

// NewOrigin returns an origin to which there is no connection yet.
func NewOrigin(s Settings) *Origin {
	o := &Origin{scheme: s.URL.Scheme, observeRequest: s.ObserveRequest, silence: silence}
	if o.observeRequest == nil {
		o.observeRequest = func(bool) {}
	}
	o.dialer, o.protocol = newDialer(s), s.Protocol
	o.pool = newPool(s.MaxConnections, o.dialHTTP1)
	o.dialer.takeRoom, o.dialer.giveRoom = o.pool.takeRoom, o.pool.lost
	o.shared = newShared(o.dialHTTP2)
	o.http2.Store(s.Protocol == H2C && s.URL.Scheme == "http")
	return o
}

// errOther is what a dial ends with whose connection speaks the other protocol than expected.
var errOther = errors.New("the connection speaks the other protocol")

// dialHTTP1 makes a connection for the pool.
func (o *Origin) dialHTTP1(ctx context.Context, number int) (*conn, error) {
	c, err := o.connect(ctx, number)
	if c.http2 != nil {
		o.shared.add(number, c.http2)
		o.http2.Store(true)
		return nil, errOther
	}
	return c.http1, err
}

// dialHTTP2 makes a connection for the attempts that share one.
func (o *Origin) dialHTTP2(number int) (*sharedConn, error) {
	c, err := o.connect(o.pool.ctx, number)
	if c.http1 != nil {
		o.pool.add(c.http1)
		o.http2.Store(false)
		return nil, errOther
	}
	return c.http2, err
}

// connection is a new one, of the protocol that it speaks.
type connection struct {
	http1 *conn
	http2 *sharedConn
}

func (o *Origin) connect(ctx context.Context, number int) (connection, error) {
	socket, err := o.dialer.dial(ctx, number)
	if err != nil {
		return connection{}, err
	}
	return o.wrap(ctx, socket)
}

// wrap makes a connection of a socket.
func (o *Origin) wrap(ctx context.Context, socket net.Conn) (connection, error) {
	if !speaksHTTP2(socket, o.protocol) {
		return connection{http1: newConn(socket)}, nil
	}
	c, err := o.shared.make(ctx, o.scheme, socket)
	return connection{http2: c}, err
}

// speaksHTTP2 tells what a new connection is for.
func speaksHTTP2(socket net.Conn, p Protocol) bool {
	if secure, ok := socket.(*tls.Conn); ok {
		return secure.ConnectionState().NegotiatedProtocol == "h2"
	}
	return p == H2C
}

// Attempt is what an origin has to know of the attempt that a request belongs to.
type Attempt struct {
	// Number counts the attempts of a call from 0. Attempts of different numbers start at different addresses of the host and use
	// different HTTP/2 connections.
	Number int
	// Beside is, for a hedge, when the oldest attempt of its call that still runs began. Otherwise it is the zero time.
	Beside time.Time
}

// Do sends a request and returns the beginning of the answer, whose end the caller must tell (Response.End, Response.Discard). Redirects
// are not followed, interim answers are skipped. When ctx is done the attempt is cut: an HTTP/1.1 connection is reset, an HTTP/2 stream
// too. A request that may be repeated, or of which nothing was written, is sent again when the connection turns out to be stale. sent is
// how often the request has been written.
func (o *Origin) Do(ctx context.Context, r *Request, a Attempt) (response *Response, sent int, err error) {
	if !a.Beside.IsZero() {
		o.leave(a.Beside)
	}
	t := &trip{ctx: ctx, origin: o, request: r, attempt: a}
	for stale := 0; ctx.Err() == nil; {
		response, err = t.send()
		switch {
		case errors.Is(err, errOther), errors.Is(err, errGone):
		case isStale(err) && stale < maxSends-1:
			stale++
		default:
			return response, t.sent, err
		}
	}
	return nil, t.sent, ctx.Err()
}

// send sends the request once.
func (t *trip) send() (*Response, error) {
	if t.origin.http2.Load() {
		return t.overHTTP2()
	}
	return t.overHTTP1()
}

// leave gives up the kept connections that have not spoken since a time.
func (o *Origin) leave(since time.Time) {
	o.pool.leave(since)
	o.shared.leave(since)
}

// Close closes every connection that no attempt uses, and every other one when its attempt has ended. No attempt may begin after it.
func (o *Origin) Close() {
	o.pool.close()
	o.shared.close()
}

// trip is a request on its way, over one connection or several.
type trip struct {
	ctx     context.Context
	origin  *Origin
	request *Request
	attempt Attempt
	sent    int  // how often
	fresh   bool // a kept connection was stale: the next one must be new
	use     use1 // the latest over HTTP/1.1
}

// wrote notes that the request was written.
func (t *trip) wrote() {
	t.origin.observeRequest(t.sent > 0)
	t.sent++
}

// staleError is why a request may be sent again: its connection was of no use, and nobody has acted on the request.
type staleError struct{ error }

func (e *staleError) Unwrap() error { return e.error }

func isStale(err error) bool {
	_, ok := errors.AsType[*staleError](err)
	return ok
}

// Idle is the number of HTTP/1.1 connections that no attempt uses.
func (o *Origin) Idle() int {
	o.pool.mu.Lock()
	defer o.pool.mu.Unlock()
	return len(o.pool.idle)
}
