package http

import (
	"context"
	"net"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
)

// coarseness is one tick of the kernel's slowest clock, 100 Hz: what it may take the time since a request came for too much.
const coarseness = 10 * time.Millisecond

// connection is what is known of a caller's connection. Its requests are served one after the other.
type connection struct {
	raw      syscall.RawConn
	answered time.Time // its latest request; zero before the first
}

type connectionKey struct{}

// rememberConnection lets the requests of a connection find it.
func rememberConnection(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			return context.WithValue(ctx, connectionKey{}, &connection{raw: raw})
		}
	}
	return ctx
}

// noteArrival starts the clock of a call, and the record of its request. It runs first.
//
// The clock runs from when the request came, which on a machine with more to do than it can is long before its handler begins. The
// kernel knows when the connection's last bytes came (tcpi_last_data_recv; Linux only). What it says is taken to be too long by
// coarseness, so that no deadline is early; up to twice that may be missing. A kernel that has missed ticks, in a virtual machine
// that was stopped, can be wrong by up to five of them. A request that was sent before the one ahead of it on the connection had
// its answer has waited since that.
func noteArrival(c *gin.Context) {
	r := &record{}
	c.Set(recordKey, r)
	conn, ok := c.Request.Context().Value(connectionKey{}).(*connection)
	if !ok {
		r.arrival = time.Now()
		return
	}
	r.waited = max(0, sinceLastBytes(conn.raw)-coarseness)
	r.arrival = time.Now().Add(-r.waited)
	if r.arrival.Before(conn.answered) {
		r.waited, r.arrival = time.Since(conn.answered), conn.answered
	}
	c.Next()
	conn.answered = time.Now()
}
