package upstream_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/upstream"
)

// recorder is an upstream that notes the protocol and the connection of each request.
type recorder struct {
	mu          sync.Mutex
	protocols   []string
	connections []string
	hang        chan struct{} // when set, requests are answered when it is closed
	arrived     chan struct{} // then it gets each request
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.protocols = append(r.protocols, request.Proto)
	r.connections = append(r.connections, request.RemoteAddr)
	r.mu.Unlock()
	if r.hang != nil {
		r.arrived <- struct{}{}
		select {
		case <-r.hang:
		case <-request.Context().Done():
			return
		}
	}
	_, _ = fmt.Fprint(w, `{"time":1}`)
}

// startHTTP2 serves HTTP/2, over TLS or in clear text, and returns a client for it.
func startHTTP2(t *testing.T, r *recorder, clearText bool) *upstream.Client {
	t.Helper()
	server := httptest.NewUnstartedServer(r)
	if clearText {
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
	} else {
		server.EnableHTTP2 = true
		server.StartTLS()
	}
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	settings := upstream.Settings{URLs: []*url.URL{u}, MaxBody: maxBody, MaxConnections: 8}
	if clearText {
		settings.Protocol = upstream.H2C
	} else {
		settings.Roots = x509.NewCertPool()
		settings.Roots.AddCert(server.Certificate())
	}
	client := upstream.New(settings)
	t.Cleanup(client.Close)
	return client
}

func TestOverHTTP2TheHedgesDoNotShareTheFirstAttemptsConnection(t *testing.T) {
	for name, clearText := range map[string]bool{"TLS": false, "clear text": true} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			client := startHTTP2(t, r, clearText)
			for _, number := range []int{0, 1, 2, 0} {
				_, err := client.Fetch(t.Context(), fanout.Attempt{Number: number})
				require.NoError(t, err)
			}
			assert.Equal(t, []string{"HTTP/2.0", "HTTP/2.0", "HTTP/2.0", "HTTP/2.0"}, r.protocols)
			assert.NotEqual(t, r.connections[0], r.connections[1])
			assert.Equal(t, r.connections[1], r.connections[2])
			assert.Equal(t, r.connections[0], r.connections[3])
		})
	}
}

func TestOverHTTP2ACancelledAttemptLeavesTheConnectionToTheOthers(t *testing.T) {
	for name, clearText := range map[string]bool{"TLS": false, "clear text": true} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{hang: make(chan struct{}), arrived: make(chan struct{}, 2)}
			client := startHTTP2(t, r, clearText)
			ctx, cancel := context.WithCancel(t.Context())
			var attempts sync.WaitGroup
			attempts.Go(func() {
				_, err := client.Fetch(t.Context(), fanout.Attempt{Number: 1})
				assert.NoError(t, err)
			})
			attempts.Go(func() {
				_, err := client.Fetch(ctx, fanout.Attempt{Number: 2})
				assert.Error(t, err) //nolint:testifylint // require is for the goroutine of the test
				close(r.hang)
			})
			<-r.arrived
			<-r.arrived
			cancel()
			attempts.Wait()
			assert.Equal(t, r.connections[0], r.connections[1])
		})
	}
}
