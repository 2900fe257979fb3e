package http

import (
	"context"
	"net"
	"syscall"
	"time"
)

// coarseness is how much too long the kernel may take the time since a request came for: one tick of its slowest clock, 100 Hz.
const coarseness = 10 * time.Millisecond

type connectionKey struct{}

// rememberConnection makes waited possible for the requests of a connection.
func rememberConnection(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			return context.WithValue(ctx, connectionKey{}, raw)
		}
	}
	return ctx
}

// waited is how long a request has waited for the process to get to it, to within coarseness and never too long. On a machine that
// has more to do than it can, that is most of what makes answers late: the handler begins long after the request has come. It is
// the time since the connection's last bytes came, which the kernel knows (tcpi_last_data_recv, Linux only; elsewhere 0).
func waited(ctx context.Context) time.Duration {
	connection, ok := ctx.Value(connectionKey{}).(syscall.RawConn)
	if !ok {
		return 0
	}
	return max(0, sinceLastBytes(connection)-coarseness)
}
