package exchanges

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/rawhttp"
)

func TestAnswersOnOneConnectionFollowOneAnotherAsTheirRequestsDid(t *testing.T) {
	server := newServer(t)
	s := start(t, server)
	for group, exchanges := range groups {
		if group == "bodies" {
			continue // too much to send before anything is read
		}
		t.Run(group, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Addr)
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
			var all strings.Builder
			for i, e := range exchanges {
				id := fmt.Sprintf("/%s-%d", group, i)
				server.expect(id, e)
				all.WriteString(strings.ReplaceAll(e.request("/proxy/all-fields"+id+e.target, s.Addr), "close", "keep-alive"))
			}
			sent := make(chan error, 1)
			go func() {
				_, err := io.WriteString(conn, all.String())
				sent <- err
			}()
			from := bufio.NewReader(conn)
			for _, e := range exchanges {
				code, body := next(t, from, e.method)
				want := rawhttp.Split(strings.TrimPrefix(e.reply().Text, e.interim))
				assert.Equal(t, want.Status(), code, e.name)
				assert.Equal(t, bodyOf(t, want), body, e.name)
			}
			assert.NoError(t, <-sent)
		})
	}
}

// next reads the next answer on a connection, but those before it.
func next(t *testing.T, from *bufio.Reader, method string) (code, body string) {
	t.Helper()
	for {
		response, err := http.ReadResponse(from, &http.Request{Method: method})
		require.NoError(t, err)
		if response.StatusCode < 200 {
			continue
		}
		got, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.False(t, response.Close, "the connection is kept")
		return fmt.Sprint(response.StatusCode), string(got)
	}
}
