package upstream_test

import (
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/upstream"
)

// answering is an API that answers each write of a connection with the same bytes. It takes no memory to do so.
func answering(b *testing.B, raw string) *upstream.Client {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				request, answer := make([]byte, 4<<10), []byte(raw)
				for {
					if _, err := c.Read(request); err != nil {
						return
					}
					_, _ = c.Write(answer)
				}
			}()
		}
	}()
	u := &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/"}
	c := upstream.New(upstream.Settings{URLs: []*url.URL{u}, MaxBody: maxBody, MaxConnections: 8})
	b.Cleanup(c.Close)
	return c
}

const answered = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\nContent-Length: 13\r\n\r\n{\"time\": 160}"

// BenchmarkFetch makes attempts one after another on a kept connection.
func BenchmarkFetch(b *testing.B) {
	client := answering(b, answered)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Fetch(b.Context(), fanout.Attempt{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExchange is BenchmarkFetch for an API of the file.
func BenchmarkExchange(b *testing.B) {
	client := answering(b, answered)
	header := http.Header{"Accept": {"*/*"}, "Via": {"1.1 hedgerow"}, "User-Agent": {"hedgerow"}}
	b.ReportAllocs()
	for b.Loop() {
		r := &upstream.Request{Method: http.MethodGet, Target: forward.Target{Path: "/x"}, Header: header, MaxBody: maxBody, Repeatable: true}
		if _, err := client.Exchange(b.Context(), 0, fanout.Attempt{}, r); err != nil {
			b.Fatal(err)
		}
	}
}
