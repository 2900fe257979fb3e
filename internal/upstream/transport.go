package upstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	dialTimeout      = 2 * time.Second
	handshakeTimeout = 5 * time.Second
	idleTimeout      = 90 * time.Second // net/http's default
	maxHeaderBytes   = 32 << 10

	discardLimit = 64 << 10               // bytes
	discardTime  = 250 * time.Millisecond // long enough for a body that is on its way
)

// newTransport returns a transport of our own. It follows no environment proxy. Dials outlive the request that asked for them, so
// the limit on connections is also the one on dials; and every connection that a call needed is kept for the next one.
func newTransport(maxConnections int) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		Proxy: nil,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &conn{Conn: c}, nil
		},
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        maxConnections,
		MaxIdleConns:           maxConnections,
		MaxIdleConnsPerHost:    maxConnections,
		IdleConnTimeout:        idleTimeout,
	}
}

// conn is a connection that is reset, not closed, when the attempt using it was cancelled. A close would leave the socket in
// FIN_WAIT and TIME_WAIT, for as long as the API likes to hold its side.
type conn struct {
	net.Conn
	attempt atomic.Pointer[context.Context] // of the attempt that uses the connection, nil when none does
}

// usedBy notes that the attempt with ctx uses the connection that net/http has got for it.
func usedBy(ctx context.Context, c net.Conn) *conn {
	if secure, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = secure.NetConn()
	}
	used, ok := c.(*conn)
	if ok {
		used.attempt.Store(&ctx)
	}
	return used
}

// release notes that the attempt is over. It may be called on nil, for an attempt that got no connection.
func (c *conn) release() {
	if c != nil {
		c.attempt.Store(nil)
	}
}

func (c *conn) Close() error {
	if ctx := c.attempt.Load(); ctx != nil && (*ctx).Err() != nil {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	return c.Conn.Close()
}

// discard reads what is left of a body that nobody wants, so that its connection can be used again, without keeping the attempt
// waiting for it. It gives up after discardTime or discardLimit and closes the connection.
func discard(body io.ReadCloser) {
	if body == http.NoBody {
		return
	}
	giveUp := time.AfterFunc(discardTime, func() { _ = body.Close() })
	go func() {
		_, _ = io.CopyN(io.Discard, body, discardLimit)
		giveUp.Stop()
		_ = body.Close()
	}()
}
