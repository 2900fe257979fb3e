package secrets

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// collector keeps the bodies of what it gets, and is never content.
type collector struct {
	*httptest.Server

	mu    sync.Mutex
	spans bytes.Buffer
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = c.spans.ReadFrom(r.Body)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, r.Header.Get("Api-Key")+" "+r.URL.String()) //nolint:gosec // nobody looks at it
	}))
	t.Cleanup(c.Close)
	return c
}

// endpoint is its URL with secrets in it.
func (c *collector) endpoint() string {
	return strings.Replace(c.URL, "http://", "http://user:"+others["IN_OTEL_PASSWORD"]+"@", 1) + "/?key=" + others["IN_OTEL_QUERY"]
}

// otelHeader is a variable with a secret.
func otelHeader() string {
	return "OTEL_EXPORTER_OTLP_HEADERS=api-key=" + url.PathEscape(others["IN_OTEL_HEADER"])
}

// newRedis returns the URL, with a secret in it, of what is no Redis: it says back what it is told.
func newRedis(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			told := make([]byte, 1<<10)
			n, _ := conn.Read(told)
			_, _ = io.WriteString(conn, "-ERR unknown command "+strings.ReplaceAll(string(told[:n]), "\r\n", " ")+"\r\n")
			_ = conn.Close()
		}
	}()
	return (&url.URL{Scheme: "redis", Host: listener.Addr().String(), User: url.UserPassword("user", others["IN_REDIS"])}).String()
}
