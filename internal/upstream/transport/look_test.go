//go:build unix

package transport

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// narrow is a socket that takes little at a time, and notes when it was read last.
type narrow struct {
	*net.TCPConn

	read *atomic.Pointer[time.Time]
}

func (n *narrow) Read(p []byte) (int, error) {
	now := time.Now()
	n.read.Store(&now)
	return n.TCPConn.Read(p)
}

// newNarrow returns an origin whose connections are narrow, with one kept connection, and when one was read last.
func newNarrow(t *testing.T, server *faultserver.Server) (*Origin, *atomic.Pointer[time.Time]) {
	t.Helper()
	o, read := newOrigin(t, server), &atomic.Pointer[time.Time]{}
	o.dialer.connect = func(ctx context.Context, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return &narrow{c.(*net.TCPConn), read}, c.(*net.TCPConn).SetWriteBuffer(1)
	}
	require.NoError(t, ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{}).err)
	return o, read
}

func TestAConnectionIsNotReadBeforeItsAnswerHasBegun(t *testing.T) {
	for name, body := range map[string][]byte{"a small request": nil, "a large one": make([]byte, smallBody+1)} {
		for state, kept := range map[string]bool{"kept": true, "new": false} {
			t.Run(name+" on a "+state+" connection", func(t *testing.T) {
				served, gate := faultserver.Raw(ok+two, true), make(chan struct{})
				server := faultserver.New(t, served, faultserver.When(gate, served))
				o, read := newNarrow(t, server)
				if !kept {
					o.pool.drop(func(*conn) bool { return true })
				}
				answer, request := make(chan got), newRequest(t, http.MethodPost, body)
				go func() { answer <- ask(t.Context(), o, request, Attempt{}) }()
				server.WaitForRequests(t, 2)
				time.Sleep(20 * time.Millisecond) // of a read in vain, which would be long over
				opened := time.Now()
				close(gate)
				require.NoError(t, (<-answer).err)
				assert.True(t, read.Load().After(opened))
				_, dialled := server.Connections()
				assert.Equal(t, map[bool]int{true: 1, false: 2}[kept], dialled)
			})
		}
	}
}

func TestAConnectionHasAReaderOnlyWhileItsAnswerIsRead(t *testing.T) {
	server := faultserver.New(t, faultserver.Raw(ok+two, true))
	o, _ := newNarrow(t, server)
	require.Len(t, o.pool.idle, 1)
	assert.Zero(t, o.pool.idle[0].reader)
}

func TestOfARequestOnAKeptConnectionTheRestIsWrittenThatTheSocketDoesNotTakeAtOnce(t *testing.T) {
	tiny := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1) })
	}}
	listener, err := tiny.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := faultserver.Serve(t, listener, "http://"+listener.Addr().String(), faultserver.Raw(ok+two, true))
	o, _ := newNarrow(t, server)
	body := make([]byte, smallBody)
	for i := range body {
		body[i] = byte(i / 7)
	}
	r := newRequest(t, http.MethodPost, body)
	a := ask(t.Context(), o, r, Attempt{})
	require.NoError(t, a.err)
	assert.Equal(t, 1, a.sent)
	written, err := io.ReadAll(server.Request(1).Body)
	require.NoError(t, err)
	assert.Equal(t, body, written)
	_, dialled := server.Connections()
	assert.Equal(t, 1, dialled)
}

func TestNothingIsWrittenOnAKeptConnectionThatHasEndedOrOnWhichSomethingHasCome(t *testing.T) {
	for name, behind := range map[string]string{"ended": "", "surplus": "x"} {
		for size, body := range map[string][]byte{"small": []byte("x"), "large": make([]byte, smallBody+1)} {
			t.Run(name+", "+size, func(t *testing.T) {
				kept, came := make(chan struct{}), make(chan struct{})
				server := faultserver.New(t, func(c net.Conn) bool {
					_, _ = c.Write([]byte(ok + two))
					<-kept
					_, _ = c.Write([]byte(behind))
					if behind == "" {
						_ = c.(*net.TCPConn).CloseWrite() // and go on reading
					}
					close(came)
					return true
				}, faultserver.Raw(ok+two, true))
				o := newOrigin(t, server)
				require.NoError(t, ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{}).err)
				close(kept)
				<-came
				a := ask(t.Context(), o, newRequest(t, http.MethodPost, body), Attempt{})
				require.NoError(t, a.err)
				assert.Equal(t, 1, a.sent)
				assert.Equal(t, 2, server.Requests())
				_, dialled := server.Connections()
				assert.Equal(t, 2, dialled)
			})
		}
	}
}
