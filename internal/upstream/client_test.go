package upstream_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/upstream"
	"hedgerow/test/faultserver"
)

const maxBody = faultserver.MaxBody

func newClient(t *testing.T, target string) *upstream.Client {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	c := upstream.New(upstream.Settings{URLs: []*url.URL{u}, UserAgent: "hedgerow/test", MaxBody: maxBody, MaxConnections: 8})
	t.Cleanup(c.Close)
	return c
}

// reasonOf is the reason of a failed attempt. It checks that the reason names nothing of the upstream.
func reasonOf(t *testing.T, err error) string {
	t.Helper()
	var failure *fanout.Failure
	require.ErrorAs(t, err, &failure)
	assert.Contains(t, upstream.Reasons(), fanout.Reason{Kind: failure.Reason.Kind, Code: failure.Reason.Code / 100 * 100})
	return failure.Reason.String()
}

const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

func TestASuccessIsStatus200WithOneObjectAndAnIntegerTime(t *testing.T) {
	for name, test := range map[string]struct {
		behaviour faultserver.Behaviour
		want      int64
	}{
		"plain":                     {faultserver.JSON(`{"time": 160}`), 160},
		"other members are ignored": {faultserver.JSON(` {"x":[{"time":1}],"time":160,"Time":"no"} ` + "\n"), 160},
		"zero":                      {faultserver.JSON(`{"time":0}`), 0},
		"negative":                  {faultserver.JSON(`{"time":-5}`), -5},
		"64 bits":                   {faultserver.JSON(`{"time":9223372036854775807}`), 9223372036854775807},
		"chunked":                   {faultserver.Raw(chunkedHead+"5\r\n{\"tim\r\n5\r\ne\":3}\r\n0\r\n\r\n", true), 3},
		"no length, ended by close": {faultserver.Raw("HTTP/1.1 200 OK\r\n\r\n{\"time\":4}", false), 4},
		"gzip":                      {faultserver.Status(200, faultserver.Gzip(`{"time":5}`), "Content-Encoding: gzip"), 5},
		"exactly the largest body":  {faultserver.JSON(faultserver.Padded(maxBody)), 7},
		"text/plain is as good":     {faultserver.Raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n{\"time\":6}", true), 6},
	} {
		t.Run(name, func(t *testing.T) {
			server := faultserver.New(t, test.behaviour)
			got, err := newClient(t, server.URL).Fetch(t.Context(), fanout.Attempt{})
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestAnythingElseIsAFailedAttempt(t *testing.T) {
	for _, fault := range faultserver.Faults(faultserver.FailsAtOnce, faultserver.Flood) {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			server := faultserver.New(t, fault.Behaviour)
			_, err := newClient(t, server.URL).Fetch(t.Context(), fanout.Attempt{})
			require.Error(t, err)
			assert.Equal(t, fault.Reason, reasonOf(t, err))
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := faultserver.New(t, faultserver.Answer(1))
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := faultserver.New(t, faultserver.Status(status, "", "Location: "+elsewhere.URL))
		_, err := newClient(t, server.URL).Fetch(t.Context(), fanout.Attempt{})
		require.Error(t, err)
		assert.Regexp(t, `^status 30\d$`, reasonOf(t, err))
		assert.Equal(t, 1, server.Requests())
	}
	assert.Zero(t, elsewhere.Requests())
}

func TestNothingListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	_, err = newClient(t, "http://"+listener.Addr().String()).Fetch(t.Context(), fanout.Attempt{})
	assert.Equal(t, "connection refused", reasonOf(t, err))
}

func TestAnUntrustedCertificateFailsTheAttempt(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	_, err := newClient(t, server.URL).Fetch(t.Context(), fanout.Attempt{})
	assert.Equal(t, "TLS failure", reasonOf(t, err))
	var certificate *tls.CertificateVerificationError
	assert.ErrorAs(t, err, &certificate, "the log is told the whole truth")
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	proxy := faultserver.New(t, faultserver.Answer(1))
	t.Setenv("HTTP_PROXY", proxy.URL)
	_, _ = newClient(t, "http://hedgerow.invalid/").Fetch(t.Context(), fanout.Attempt{})
	assert.Zero(t, proxy.Requests())
}

func TestTheRequest(t *testing.T) {
	server := faultserver.New(t, faultserver.Answer(1))
	target := strings.Replace(server.URL, "http://", "http://user:secret@", 1) + "?key=a%20b"
	_, err := newClient(t, target).Fetch(t.Context(), fanout.Attempt{})
	require.NoError(t, err)
	request := server.Request(0)
	assert.Equal(t, "GET", request.Method)
	assert.Equal(t, "/api/work?key=a%20b", request.RequestURI)
	assert.Equal(t, "hedgerow/test", request.UserAgent())
	assert.Equal(t, "application/json", request.Header.Get("Accept"))
	user, password, ok := request.BasicAuth()
	assert.True(t, ok)
	assert.Equal(t, "user:secret", user+":"+password)
}

func TestAttemptsUseConnectionsAgain(t *testing.T) {
	for name, behaviour := range map[string]faultserver.Behaviour{
		"after a success":        faultserver.Answer(1),
		"after a failed status":  faultserver.Status(500, strings.Repeat("x", 10_000)),
		"after an invalid body":  faultserver.JSON("[]"),
		"after a redirect":       faultserver.Status(302, "moved", "Location: /"),
		"after an empty failure": faultserver.Status(503, ""),
	} {
		t.Run(name, func(t *testing.T) {
			server := faultserver.New(t, behaviour)
			client := newClient(t, server.URL)
			for range 5 {
				_, _ = client.Fetch(t.Context(), fanout.Attempt{})
				// The connection of a failed status is free when its body has been read, a moment after the attempt.
				require.Eventually(t, func() bool { return client.Idle() == 1 }, 10*time.Second, time.Millisecond)
			}
			_, dialled := server.Connections()
			assert.Equal(t, 1, dialled)
		})
	}
}

func TestEveryConnectionMadeAndEveryRequestSentAgainIsObserved(t *testing.T) {
	server := faultserver.New(t, faultserver.Answer(1), faultserver.Close(), faultserver.Answer(2))
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	var made, sent, resent, unsent atomic.Int32
	client := upstream.New(upstream.Settings{
		URLs: []*url.URL{u}, MaxBody: maxBody, MaxConnections: 1,
		ObserveConnection: func() { made.Add(1) }, ObserveUnsent: func() { unsent.Add(1) },
		ObserveRequest: func(again bool) {
			sent.Add(1)
			if again {
				resent.Add(1)
			}
		},
	})
	t.Cleanup(client.Close)
	const attempts = 4
	for range attempts { // the second needs another connection: the kept one is closed when it is used
		_, err := client.Fetch(t.Context(), fanout.Attempt{})
		require.NoError(t, err)
	}
	_, dialled := server.Connections()
	assert.Equal(t, 2, dialled)
	assert.EqualValues(t, dialled, made.Load())
	assert.EqualValues(t, 1, resent.Load())
	assert.EqualValues(t, attempts+1, sent.Load())
	assert.Equal(t, attempts+1, server.Requests())
	assert.Zero(t, unsent.Load())
}

func TestAConnectionThatIsNotMadeIsNotObserved(t *testing.T) {
	u, err := url.Parse("http://127.0.0.1:1")
	require.NoError(t, err)
	unsent := 0
	client := upstream.New(upstream.Settings{
		URLs: []*url.URL{u}, ObserveUnsent: func() { unsent++ },
		ObserveConnection: func() { t.Error("there is nothing to connect to") },
		ObserveRequest:    func(bool) { t.Error("there is nothing to send to") },
	})
	_, err = client.Fetch(t.Context(), fanout.Attempt{})
	require.Error(t, err)
	assert.Equal(t, 1, unsent)
}

func TestAConnectionClosedWhileIdleIsNoVisibleError(t *testing.T) {
	server := faultserver.New(t, faultserver.Answer(1), faultserver.Close(), faultserver.Answer(2))
	client := newClient(t, server.URL)
	_, err := client.Fetch(t.Context(), fanout.Attempt{})
	require.NoError(t, err)
	got, err := client.Fetch(t.Context(), fanout.Attempt{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, got)
}

func TestACancelledAttemptResetsItsConnection(t *testing.T) {
	ended := make(chan error, 1)
	server := faultserver.New(t, func(conn net.Conn) bool {
		_, err := conn.Read(make([]byte, 1))
		ended <- err
		return false
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		server.WaitForRequests(t, 1)
		cancel()
	}()
	_, err := newClient(t, server.URL).Fetch(ctx, fanout.Attempt{})
	require.Error(t, err)
	select {
	case err := <-ended:
		require.ErrorContains(t, err, "connection reset by peer")
	case <-time.After(10 * time.Second):
		t.Fatal("the connection was not closed")
	}
}

func TestWhatIsLeftOfAFailedAnswerIsNotWaitedForForever(t *testing.T) {
	for name, head := range map[string]string{
		"plain":   "Content-Length: 1000\r\n\r\n{",
		"gzip":    "Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			server := faultserver.New(t, func(conn net.Conn) bool {
				_, _ = io.WriteString(conn, "HTTP/1.1 500 No\r\n"+head)
				_, err := conn.Read(make([]byte, 1))
				ended <- err
				return false
			})
			_, err := newClient(t, server.URL).Fetch(t.Context(), fanout.Attempt{})
			assert.Equal(t, "status 500", reasonOf(t, err))
			assert.ErrorContains(t, <-ended, "connection reset by peer")
		})
	}
}

func TestTheNextUserOfAConnectionStillResetsIt(t *testing.T) {
	// With one connection and a large body the second attempt has got the connection before the first one is quite over.
	for range 20 {
		ended := make(chan error, 1)
		server := faultserver.New(t, faultserver.JSON(faultserver.Padded(maxBody)), func(conn net.Conn) bool {
			_, err := conn.Read(make([]byte, 1))
			ended <- err
			return false
		})
		u, err := url.Parse(server.URL)
		require.NoError(t, err)
		client := upstream.New(upstream.Settings{URLs: []*url.URL{u}, MaxBody: maxBody, MaxConnections: 1})
		ctx, cancel := context.WithCancel(t.Context())
		var attempts sync.WaitGroup
		attempts.Go(func() { _, _ = client.Fetch(t.Context(), fanout.Attempt{}) })
		server.WaitForRequests(t, 1)
		attempts.Go(func() { _, _ = client.Fetch(ctx, fanout.Attempt{Number: 1}) })
		server.WaitForRequests(t, 2)
		cancel()
		attempts.Wait()
		require.ErrorContains(t, <-ended, "connection reset by peer")
	}
}

func TestAStalledHandshakeIsATLSFailure(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	_, err = newClient(t, "https://"+silent.Addr().String()).Fetch(t.Context(), fanout.Attempt{})
	assert.Equal(t, "TLS failure", reasonOf(t, err))
}

func TestAnIdleConnectionIsClosedAndNotReset(t *testing.T) {
	ended := make(chan error, 1)
	server := faultserver.New(t, func(conn net.Conn) bool {
		faultserver.Answer(1)(conn)
		_, err := conn.Read(make([]byte, 1))
		ended <- err
		return false
	})
	client := newClient(t, server.URL)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := client.Fetch(ctx, fanout.Attempt{})
	require.NoError(t, err)
	cancel()
	client.Close()
	assert.EqualError(t, <-ended, "EOF")
}
