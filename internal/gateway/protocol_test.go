package gateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/file"
	"hedgerow/internal/fanout"
)

// speak starts a server that says by which protocol it was asked, and by whose certificate.
func speak(t *testing.T, secure bool) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		certificates := 0
		if r.TLS != nil {
			certificates = len(r.TLS.PeerCertificates)
		}
		_, _ = fmt.Fprintf(w, "%s, %d certificates, %s", r.Proto, certificates, r.UserAgent()) //nolint:gosec // no browser reads it
	}))
	t.Cleanup(server.Close)
	if secure {
		server.EnableHTTP2 = true
		server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
		server.StartTLS()
		return server
	}
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	return server
}

// keep writes a server's certificate and key into a folder.
func keep(t *testing.T, folder string, server *httptest.Server) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"c.pem": {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, "k.pem": {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600))
	}
}

func TestAnAPIIsSpokenToAsTheFileSays(t *testing.T) {
	secure, plain := speak(t, true), speak(t, false)
	folder := t.TempDir()
	keep(t, folder, secure)
	path := filepath.Join(folder, "apis.yaml")
	for settings, want := range map[string]string{
		"url: '" + plain.URL + "'":                                             "HTTP/1.1, 0 certificates, ours",
		"url: '" + plain.URL + "', protocol: auto":                             "HTTP/1.1, 0 certificates, ours",
		"url: '" + plain.URL + "', protocol: h2c":                              "HTTP/2.0, 0 certificates, ours",
		"url: '" + secure.URL + "', tls: {ca: c.pem}":                          "HTTP/2.0, 0 certificates, ours",
		"url: '" + secure.URL + "', tls: {ca: c.pem}, protocol: http1":         "HTTP/1.1, 0 certificates, ours",
		"url: '" + secure.URL + "', tls: {ca: c.pem, cert: c.pem, key: k.pem}": "HTTP/2.0, 1 certificates, ours",
		"url: '" + secure.URL + "'":                                            "", // by the system's authorities
	} {
		require.NoError(t, os.WriteFile(path, []byte("apis: {a: {attempts: 1, timeout: 20s, "+settings+"}}"), 0o600))
		f, err := file.Reader{}.Read(path)
		require.NoError(t, err, settings)
		g := newGate(t, "apis: {other: {url: 'http://h'}}")
		g.Swap(f.APIs)
		result, err := g.call(t, "a", "GET", "/x")
		if want == "" {
			require.ErrorIs(t, err, fanout.ErrFailed, settings)
			assert.Equal(t, []string{"TLS failure"}, reasons(result))
		} else {
			assertBody(t, want, result, err)
		}
		g.Close()
	}
}
