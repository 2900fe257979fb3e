package transport

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

const (
	frameHeader = 9
	preface     = 24
	settings    = 4
	ping        = 6
	ack         = 1
)

// streamless is an HTTP/2 API that allows no streams: MAX_CONCURRENT_STREAMS is 0. It answers PINGs.
func streamless(c net.Conn) {
	_, _ = c.Write([]byte{0, 0, 6, settings, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0})
	if _, err := io.ReadFull(c, make([]byte, preface)); err != nil {
		return
	}
	for {
		head := make([]byte, frameHeader)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
		if _, err := io.ReadFull(c, payload); err != nil {
			return
		}
		if head[3] == ping && head[4] != ack {
			head[4] = ack
			_, _ = c.Write(slices.Concat(head, payload))
		}
	}
}

func TestHTTP2ConnectionsThatTakeNoRequestsAreClosed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	connections := faultserver.Accept(t, listener, streamless)
	o := NewOrigin(Settings{URL: &url.URL{Scheme: "http", Host: listener.Addr().String()}, Protocol: H2C})
	for made := 0; made < 4; _, made = connections.Count() {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // one that the API has not told yet waits on its connection
		require.Error(t, ask(ctx, o, newRequest(t, http.MethodGet, nil), Attempt{}).err)
		cancel()
	}
	o.Close()
	assert.Eventually(t, func() bool { open, _ := connections.Count(); return open == 0 }, 10*time.Second, time.Millisecond, "none is forgotten")
}
