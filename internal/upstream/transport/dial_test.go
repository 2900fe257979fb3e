package transport

import (
	"context"
	"io"
	"net"
	"net/url"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAHandshakeThatStallsLeavesNoSocketWaiting(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c, err := listener.Accept()
		if err != nil {
			ended <- err
			return
		}
		defer c.Close()
		_, _ = io.ReadFull(c, make([]byte, 100)) // of the first message
		cancel()
		_, err = io.Copy(io.Discard, c)
		ended <- err
	}()
	d := newDialer(Settings{URL: &url.URL{Scheme: "https", Host: listener.Addr().String()}})
	_, err = d.dial(ctx, 0)
	require.ErrorContains(t, err, "TLS handshake timeout")
	require.ErrorIs(t, <-ended, syscall.ECONNRESET, "a socket that is closed would wait for the API to close its side")
}
