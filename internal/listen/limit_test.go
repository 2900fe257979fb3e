package listen_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/listen"
)

var quiet = slog.New(slog.DiscardHandler)

func limited(t *testing.T, connections int) (listener net.Listener, accepted <-chan net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listener = listen.LimitConnections(listener, connections, quiet)
	conns := make(chan net.Conn)
	go func() {
		defer close(conns)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns <- conn
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return listener, conns
}

func TestAConnectionBeyondTheLimitIsAcceptedWhenAnotherHasBeenClosed(t *testing.T) {
	listener, accepted := limited(t, 2)
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
	listener, accepted := limited(t, 1)
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
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := listen.NewServer(http.NotFoundHandler(), time.Second, quiet)
	defer func() { _ = server.Close() }()
	go func() { _ = server.Serve(listen.LimitConnections(listener, 10, quiet)) }() // until Close
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 32<<10)+"\r\n\r\n")
	require.NoError(t, err)
	text, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Regexp(t, "^HTTP/1.1 431 ", string(text))
}

// exhausted is a listener on a system that has no file descriptors left.
type exhausted struct{ net.Listener }

func (exhausted) Accept() (net.Conn, error) { return nil, syscall.EMFILE }

func TestThatConnectionsCannotBeAcceptedIsLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		listener := listen.LimitConnections(exhausted{}, 1, slog.New(slog.NewJSONHandler(&log, nil)))
		accept := func() {
			_, err := listener.Accept()
			require.ErrorIs(t, err, syscall.EMFILE)
		}
		for range 100 { // more than the limit: a failure takes no place
			accept()
		}
		assert.Equal(t, 1, strings.Count(log.String(), "\n"))
		for _, text := range []string{`"level":"WARN"`, `"error":"too many open files"`, `"unlogged":0`} {
			assert.Contains(t, log.String(), text)
		}
		time.Sleep(time.Minute)
		accept()
		assert.Equal(t, 2, strings.Count(log.String(), "\n"))
		assert.Contains(t, log.String(), `"unlogged":99`)
	})
}
