package foreign

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// relay stands at a server's door and counts the connections that come to it.
type relay struct {
	net.Listener

	count atomic.Int64
}

// newRelay passes bytes on to where to says, until the test ends.
func newRelay(t *testing.T, to func() string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{Listener: listener}
	var open sync.Map
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.count.Add(1)
			running.Go(func() {
				server, err := net.Dial("tcp", to())
				if err != nil {
					_ = conn.Close()
					return
				}
				open.Store(conn, server)
				var copying sync.WaitGroup
				for from, into := range map[net.Conn]net.Conn{conn: server, server: conn} {
					copying.Go(func() {
						_, _ = io.Copy(into, from)
						_ = into.(*net.TCPConn).CloseWrite()
					})
				}
				copying.Wait()
				_ = conn.Close()
				_ = server.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Range(func(conn, server any) bool {
			_ = conn.(net.Conn).Close()
			_ = server.(net.Conn).Close()
			return true
		})
		running.Wait()
	})
	return r
}

// taken returns how many connections have come since it was asked last.
func (r *relay) taken() int { return int(r.count.Swap(0)) }

func (r *relay) addr() string { return r.Listener.Addr().String() }
