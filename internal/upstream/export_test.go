package upstream

import (
	"crypto/tls"
	"crypto/x509"
)

// Trust makes the client trust the certificates of a test's server.
func (c *Client) Trust(roots *x509.CertPool) {
	for _, lane := range c.lanes {
		lane.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
}

// RetryAfter is retryAfter for tests from outside.
var RetryAfter = retryAfter
