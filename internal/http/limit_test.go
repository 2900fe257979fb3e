package http_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	hedgerow "hedgerow/internal/http"
)

func listen(t *testing.T, connections int) (limited net.Listener, accepted <-chan net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	limited = hedgerow.LimitConnections(listener, connections)
	conns := make(chan net.Conn)
	go func() {
		defer close(conns)
		for {
			conn, err := limited.Accept()
			if err != nil {
				return
			}
			conns <- conn
		}
	}()
	t.Cleanup(func() { _ = limited.Close() })
	return limited, conns
}

func TestAConnectionBeyondTheLimitIsAcceptedWhenAnotherHasBeenClosed(t *testing.T) {
	listener, accepted := listen(t, 2)
	for range 3 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
	}
	first, second := <-accepted, <-accepted
	defer func() { _ = second.Close() }()
	select {
	case <-accepted:
		t.Fatal("three connections are open")
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, first.Close())
	_ = first.Close() // a second time, as net/http does: it must not make room for another one
	third := <-accepted
	require.NoError(t, third.Close())
}

func TestAListenerAtItsLimitCanBeClosed(t *testing.T) {
	listener, accepted := listen(t, 1)
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	only := <-accepted
	defer func() { _ = only.Close() }()
	require.NoError(t, listener.Close())
	_, open := <-accepted
	assert.False(t, open)
}

func TestA431DoesNotEndInAReset(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	go func() { _ = s.Config.Serve(hedgerow.LimitConnections(listener, 10)) }() // until Close
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 32<<10)+"\r\n\r\n")
	require.NoError(t, err)
	text, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Regexp(t, "^HTTP/1.1 431 ", string(text))
}
