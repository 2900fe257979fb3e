package transport

import (
	"bufio"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"sync"
	"time"
)

const (
	idleTimeout = 90 * time.Second // as net/http's
	// maxAge is how long a connection may live, so that a name that moves is followed under steady traffic.
	maxAge = 5 * time.Minute
)

// conn is an HTTP/1.1 connection. It belongs to one attempt, or to the pool.
type conn struct {
	net.Conn // what is read and written: the socket, or TLS on it

	reader  *bufio.Reader // of Conn, while mayRead lasts; nil until an answer has begun
	mayRead int64         // bytes
	look    *look         // at the socket
	made    time.Time
	spoke   time.Time // when it last gave an answer, or was made
	served  bool      // it has given an answer
	pooled  bool      // it has been in the pool, where something may have come on it

	whenDone func() // cut, for context.AfterFunc
}

func newConn(c net.Conn) *conn {
	now := time.Now()
	made := &conn{Conn: c, made: now, spoke: now, look: newLook(socketOf(c))}
	made.whenDone = made.cut
	return made
}

// readers are those that no connection needs. Most connections wait for an answer, or for a request.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

// open waits until an answer has begun, unless it has, and gets what reads it. Over TLS the wait is left to the first read.
func (c *conn) open(begun bool) error {
	if !begun && !c.secure() {
		if err := c.look.wait(); err != nil {
			return err
		}
	}
	c.reader = readers.Get().(*bufio.Reader) //nolint:forcetypeassert // the pool has nothing else
	c.reader.Reset((*limited)(c))
	return nil
}

// rest gives the reader back, in which nothing must be left.
func (c *conn) rest() {
	c.reader.Reset(nil)
	readers.Put(c.reader)
	c.reader = nil
}

const unlimited = math.MaxInt64

// limited reads from a connection what may be read.
type limited conn

func (l *limited) Read(p []byte) (int, error) {
	if l.mayRead <= 0 {
		return 0, errLongHeader
	}
	n, err := l.Conn.Read(p[:min(int64(len(p)), l.mayRead)])
	l.mayRead -= int64(n)
	return n, err
}

// cut resets the connection. A close would leave the socket in FIN_WAIT and TIME_WAIT for as long as the API holds its side.
func (c *conn) cut() { cut(c.Conn) }

func (c *conn) close() { _ = c.Close() }

// inTime tells whether an idle connection is not too old.
func (c *conn) inTime(now time.Time) bool {
	return now.Sub(c.spoke) < idleTimeout && now.Sub(c.made) < maxAge
}

// quiet tells whether nothing has come on a connection while nobody used it.
func (c *conn) quiet() bool { return (c.look.silent() || c.readsTickets()) && c.holdsNothing() }

// holdsNothing tells whether TLS has nothing that it has taken from the socket and nobody has read: it reads ahead, and a record may go on
// behind the answer. A deadline in the past keeps it from the socket.
func (c *conn) holdsNothing() bool { return !c.secure() || c.readsNothing(time.Unix(1, 0)) }

// ask is quiet, and look.ask if it can be.
func (c *conn) ask(t *trip, message []byte) (written int, quiet bool) {
	if c.secure() {
		return 0, c.quiet()
	}
	return c.look.ask(t, message)
}

func (c *conn) secure() bool {
	_, ok := c.Conn.(*tls.Conn)
	return ok
}

// readsTickets reads what a server sends behind the handshake of TLS 1.3, and tells whether that was all.
func (c *conn) readsTickets() bool {
	if !c.secure() || c.served {
		return false
	}
	return c.readsNothing(time.Now().Add(time.Millisecond))
}

// readsNothing tells whether there is nothing to be read until a time, and no end.
func (c *conn) readsNothing(until time.Time) bool {
	_ = c.SetReadDeadline(until)
	n, err := c.Read(make([]byte, 1))
	_ = c.SetReadDeadline(time.Time{})
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return n == 0 && ok && timeout.Timeout()
}
