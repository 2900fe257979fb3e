package probe_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/probe"
)

// serve answers one connection with a text after its request, and returns the port and what was asked.
func serve(t *testing.T, answer string) (port string, asked <-chan string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	requests := make(chan string, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = connection.Close() }()
		request := make([]byte, 4096)
		n, _ := connection.Read(request)
		requests <- string(request[:n])
		_, _ = io.WriteString(connection, answer)
		if answer == "" {
			_, _ = io.Copy(io.Discard, connection) // until the other side has had enough
		}
	}()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port, requests
}

func TestAServiceThatAnswers200IsWell(t *testing.T) {
	for _, host := range []string{"", "127.0.0.1", "0.0.0.0", "[::]", "localhost"} {
		port, asked := serve(t, "HTTP/1.0 200 OK\r\n\r\n")
		require.NoError(t, probe.Ask(host+":"+port, "/readyz", time.Minute), host)
		assert.Regexp(t, `^GET /readyz HTTP/1\.0\r\nHost: (127\.0\.0\.1|localhost):`+port+`\r\n\r\n$`, <-asked)
	}
}

func TestAnythingElseIsNot(t *testing.T) {
	for answer, told := range map[string]string{
		"HTTP/1.1 503 Service Unavailable\r\n\r\n": "/readyz answered 503 Service Unavailable",
		"HTTP/1.1 2000 OK\r\n\r\n":                 "/readyz answered 2000 OK",
		"SSH-2.0-OpenSSH_9.2 200\r\n":              "/readyz answered",
		"HTTP/1.1 200 OK":                          "/readyz gave no answer",
		strings.Repeat("x", 1<<20):                 "/readyz gave no answer",
	} {
		port, _ := serve(t, answer)
		require.ErrorContains(t, probe.Ask(":"+port, "/readyz", time.Minute), told)
	}
	port, _ := serve(t, "")
	require.ErrorContains(t, probe.Ask(":"+port, "/readyz", 50*time.Millisecond), "timeout", "it stays silent")
	require.ErrorContains(t, probe.Ask("nowhere", "/readyz", time.Minute), "nowhere is not an address")
	require.ErrorContains(t, probe.Ask("127.0.0.1:1", "/readyz", time.Minute), "connection refused")
}
