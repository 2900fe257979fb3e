package listen

import (
	"context"
	"net"
	"syscall"
	"time"
)

// coarseness is one tick of the kernel's slowest clock, 100 Hz. The kernel may overstate the time since a request came by as much.
const coarseness = 10 * time.Millisecond

// Connection is what is known about a caller's connection. Its requests are served one after the other, and their goroutines write it.
// A nil *Connection knows nothing.
type Connection struct {
	raw      syscall.RawConn
	answered time.Time // its latest request; zero before the first
}

type connectionKey struct{}

// rememberConnection lets the requests of a connection find it.
func rememberConnection(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			return context.WithValue(ctx, connectionKey{}, &Connection{raw: raw})
		}
	}
	return ctx
}

// ConnectionOf returns the connection of a request, nil when it is not known.
func ConnectionOf(ctx context.Context) *Connection {
	c, _ := ctx.Value(connectionKey{}).(*Connection)
	return c
}

// Arrival returns when the request that is served now came, and how long it has waited since then. Call it when the handler begins: on
// a busy machine that is long after the request came.
//
// The kernel knows when the connection's last bytes came (tcpi_last_data_recv; Linux only). Its figure may be too large by coarseness.
// That is subtracted, so that no deadline is early; the result may then be too small by twice as much. A kernel that has missed ticks,
// in a virtual machine that was stopped, can be wrong by up to five of them. A request that was sent before the previous one was
// answered has waited since that answer. Less than coarseness after it the kernel is not asked: nobody can have waited for longer.
func (c *Connection) Arrival() (arrival time.Time, waited time.Duration) {
	if c == nil {
		return time.Now(), 0
	}
	if now := time.Now(); now.Sub(c.answered) < coarseness { // it has waited for less than the kernel can tell
		return now, 0
	}
	silence := sinceLastBytes(c.raw)
	return c.arrived(time.Now(), silence)
}

// arrived is Arrival at now, when the connection has been silent for as long as the kernel says.
func (c *Connection) arrived(now time.Time, silence time.Duration) (arrival time.Time, waited time.Duration) {
	waited = max(0, silence-coarseness)
	arrival = now.Add(-waited)
	if arrival.Before(c.answered) {
		return c.answered, now.Sub(c.answered)
	}
	return arrival, waited
}

// Answered notes that the request that is served now has its answer.
func (c *Connection) Answered() {
	if c != nil {
		c.answered = time.Now()
	}
}
