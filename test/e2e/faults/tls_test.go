package faults

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
)

// startTLS runs a service that trusts an authority, in front of an API with a certificate.
func startTLS(t *testing.T, trusted, signer *authority, host string, end time.Time) *service {
	t.Helper()
	listener := listenTLS(t, signer.sign(t, host, end))
	upstream := faultserver.Serve(t, listener, "https://"+listener.Addr().String(), healthy)
	return &service{harness.Start(t, "EXPONEA_URL="+upstream.URL, "SSL_CERT_FILE="+trusted.file(t), "HEDGEROW_LOG_LEVEL=debug"), upstream}
}

func TestABadCertificateFailsTheAttemptAndOnlyTheLogTellsWhy(t *testing.T) {
	trusted, unknown := newAuthority(t), newAuthority(t)
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	const ip = "127.0.0.1"

	good := startTLS(t, trusted, trusted, ip, later)
	assert.Equal(t, http.StatusOK, get(t, good.Hedgerow, "/api/first"+longTimeout).StatusCode, "the others fail for their own reason")

	for name, test := range map[string]struct {
		signer *authority
		host   string
		end    time.Time
		truth  string
	}{
		"expired":           {trusted, ip, before, "certificate has expired"},
		"wrong host":        {trusted, "elsewhere.example", later, "doesn't contain any IP SANs"},
		"wrong address":     {trusted, "192.0.2.1", later, "certificate is valid for 192.0.2.1, not 127.0.0.1"},
		"unknown authority": {unknown, ip, later, "certificate signed by unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startTLS(t, trusted, test.signer, test.host, test.end)
			baseline := atRest(t, s.Hedgerow)
			requireFailed(t, s.Hedgerow, "TLS failure", 60*time.Millisecond) // three handshakes, twice for smart
			assert.Zero(t, s.upstream.Requests())
			requireNoLeak(t, s.Hedgerow, baseline)
			requireTLSFailureTold(t, s.Hedgerow, test.truth)
		})
	}
}

// requireTLSFailureTold makes a call that fails and checks who is told what.
func requireTLSFailureTold(t *testing.T, h *harness.Hedgerow, truth string) {
	t.Helper()
	failures := metric(t, h, "hedgerow_attempt_failures_total", "reason", "TLS failure")
	a := get(t, h, "/api/first"+longTimeout, "X-Request-Id", "told")
	assert.Equal(t, "all attempts at the upstream API failed", a.Detail)
	assert.NotContains(t, a.body, "certificate")
	assert.NotContains(t, a.body, "127.0.0.1")
	assert.Equal(t, failures+3, metric(t, h, "hedgerow_attempt_failures_total", "reason", "TLS failure"))
	assert.Equal(t, 3, strings.Count(h.Log.Wait(t, "request_id", "told")["attempts"].(string), "(TLS failure)"))
	assert.Contains(t, h.Log.Wait(t, "msg", "attempt failed")["error"], truth)
}

func TestAStalledHandshakeEndsAtTheDeadlineOrFailsAfterFiveSeconds(t *testing.T) {
	t.Parallel() // it takes its time, and nothing is measured closely
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	h := harness.Start(t, "EXPONEA_URL=https://"+silent.Addr().String(), "HEDGEROW_LOG_LEVEL=debug")
	baseline := atRest(t, h)
	requireTimedOut(t, h)
	for path, a := range atATime(t, h, strategies, longTimeout) {
		assert.InDelta(t, 5.2, a.took.Seconds(), 0.7, "a handshake's five seconds; the hedges of smart begin later")
		if path == "/api/within-timeout" {
			assert.Equal(t, "[]", a.body)
			continue
		}
		assert.Equal(t, http.StatusBadGateway, a.StatusCode)
		assert.Equal(t, []string{"failed: TLS failure", "failed: TLS failure", "failed: TLS failure"}, a.tell(), path)
	}
	requireNoLeak(t, h, baseline)
	assert.Equal(t, 12, metric(t, h, "hedgerow_attempt_failures_total", "reason", "TLS failure"))
	assert.Contains(t, h.Log.Wait(t, "msg", "attempt failed")["error"], "TLS handshake timeout")
}
