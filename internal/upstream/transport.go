package upstream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

const (
	dialTimeout      = 2 * time.Second
	handshakeTimeout = 5 * time.Second
	idleTimeout      = 90 * time.Second // net/http's default
	maxHeaderBytes   = 32 << 10

	// Buffers of each connection in bytes: enough for a usual request, and for the head of a usual answer. A body does not pass through
	// them. net/http's default is 4 KiB each.
	readBuffer  = 2 << 10
	writeBuffer = 1 << 10

	// An HTTP/2 connection that has been silent for pingAfter is pinged. Without an answer within pingTimeout it is closed.
	pingAfter   = 2 * time.Second
	pingTimeout = 2 * time.Second

	discardLimit = 64 << 10               // bytes
	discardTime  = 250 * time.Millisecond // long enough for a body that is on its way
)

// newTransport returns a transport that ignores the environment's proxies. Dials outlive the request that asked for them, so the limit
// on connections is also the limit on dials. Every connection that a call needed is kept for the next one.
func newTransport(s Settings) *http.Transport {
	// No keep-alive probes: they cost four system calls a connection and would find a dead one after 150 s. By then idleTimeout has
	// closed an idle connection, and a call that waits for its answer has ended at its deadline.
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: -1}
	var protocols http.Protocols
	protocols.SetHTTP1(!s.ClearTextHTTP2)
	protocols.SetHTTP2(!s.HTTP1)
	protocols.SetUnencryptedHTTP2(s.ClearTextHTTP2)
	return &http.Transport{
		Proxy: nil,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			if s.ObserveConnection != nil {
				s.ObserveConnection()
			}
			return newConn(c), nil
		},
		// readTime decompresses the body, because net/http's own reader cannot be closed while it waits for the upstream.
		DisableCompression:     true,
		TLSClientConfig:        newTLS(s),
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         readBuffer,
		WriteBufferSize:        writeBuffer,
		MaxConnsPerHost:        s.MaxConnections,
		MaxIdleConns:           s.MaxConnections,
		MaxIdleConnsPerHost:    s.MaxConnections,
		IdleConnTimeout:        idleTimeout,
		Protocols:              &protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
}

// newTLS returns how the client and the API show who they are, nil when the system's way will do.
func newTLS(s Settings) *tls.Config {
	if s.Roots == nil && s.Certificate == nil {
		return nil
	}
	config := &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	if s.Certificate != nil {
		config.Certificates = []tls.Certificate{*s.Certificate}
	}
	return config
}

// conn is a connection that is reset, not closed, when the attempt that uses it was given up. A close would leave the socket in
// FIN_WAIT and TIME_WAIT for as long as the upstream holds its side.
type conn struct {
	net.Conn
	user atomic.Pointer[use] // of the connection now; nil while it is idle

	mu      sync.Mutex
	changed sync.Cond // of what follows
	reading bool
	closed  bool
}

func newConn(c net.Conn) *conn {
	wrapped := &conn{Conn: c}
	wrapped.changed.L = &wrapped.mu
	return wrapped
}

func (c *conn) Read(p []byte) (int, error) {
	c.setReading(true)
	defer c.setReading(false)
	return c.Conn.Read(p)
}

func (c *conn) setReading(reading bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = reading
	c.changed.Broadcast()
}

// settle waits until net/http has seen whether anything came behind the last answer. If so, it closes the connection; otherwise it
// reads on. Without this, an attempt that takes the connection in the same moment gets those bytes for its answer.
func (c *conn) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.reading && !c.closed {
		c.changed.Wait()
	}
}

func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	if u := c.user.Load(); u != nil && u.givenUp() {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	return c.Conn.Close()
}

// use is an attempt's use of a connection.
type use struct {
	ctx       context.Context // the attempt's
	shared    bool            // the connection belongs to many attempts: clear-text HTTP/2
	conn      *conn           // nil until net/http has one; it may try another
	discarded atomic.Bool     // the rest of the body was not worth waiting for

	requests       atomic.Int32 // sent so far
	observeRequest func(again bool)
}

// begin notes the connection that net/http uses for the attempt.
func (u *use) begin(info httptrace.GotConnInfo) {
	c := info.Conn
	if secure, ok := c.(*tls.Conn); ok {
		if secure.ConnectionState().NegotiatedProtocol == "h2" {
			return // shared: it is not closed for one attempt
		}
		c = secure.NetConn()
	}
	if used, ok := c.(*conn); ok && !u.shared {
		if info.Reused {
			used.settle()
		}
		u.conn = used
		used.user.Store(u)
	}
}

// sent notes that net/http has written the request. It runs on a goroutine of net/http's.
func (u *use) sent(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		u.observeRequest(u.requests.Add(1) > 1)
	}
}

// end notes that the attempt is over. If net/http has given the connection to another attempt by then, that one's use stays.
func (u *use) end() {
	if u.conn != nil {
		u.conn.user.CompareAndSwap(u, nil)
	}
}

func (u *use) givenUp() bool { return u.discarded.Load() || u.ctx.Err() != nil }

// discard reads the rest of a body that nobody wants, so that its connection can be used again. The attempt does not wait for it.
// After discardTime or discardLimit it gives up and resets the connection.
func discard(body io.ReadCloser, u *use) {
	if body == http.NoBody {
		u.end()
		return
	}
	giveUp := func() {
		u.discarded.Store(true)
		_ = body.Close()
	}
	timer := time.AfterFunc(discardTime, giveUp)
	go func() {
		defer u.end()
		n, err := io.CopyN(io.Discard, body, discardLimit)
		timer.Stop()
		if n == discardLimit && err == nil {
			giveUp()
		}
		_ = body.Close()
	}()
}
