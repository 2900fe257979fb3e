package otel

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// protocol refuses every other than the one that there is.
func (r *reader) protocol() {
	const only = "http/protobuf"
	if variable, protocol := r.forTraces("PROTOCOL"); protocol != "" && !strings.EqualFold(protocol, only) {
		r.refusef(variable, "%q is not %s, which is the only protocol that there is here", protocol, only)
	}
}

// endpoint returns the URL that spans are posted to. A problem does not show it, because there may be a key in it.
func (r *reader) endpoint() *url.URL {
	variable, text := r.forTraces("ENDPOINT")
	if text == "" {
		text = "http://localhost:4318"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		r.refusef(variable, "is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		r.refusef(variable, "is neither an http nor an https URL")
	case u.Hostname() == "":
		r.refusef(variable, "has no host")
	case u.Port() != "" && !isPort(u.Port()):
		r.refusef(variable, "has no port from 1 to 65535")
	case variable != "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": // that of all signals is where their paths begin
		u = u.JoinPath("v1/traces")
	}
	return u
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// headers returns those of each request. A problem shows nothing of them.
func (r *reader) headers() http.Header {
	variable, text := r.forTraces("HEADERS")
	header := http.Header{}
	for i, pair := range pairs(text) {
		if pair == nil || !httpguts.ValidHeaderFieldName(pair.Name) || !httpguts.ValidHeaderFieldValue(pair.Value) {
			r.refusef(variable, "its part %d is not a header like name=value, percent-encoded where need be", i+1)
			continue
		}
		header[textproto.CanonicalMIMEHeaderKey(pair.Name)] = []string{pair.Value}
	}
	return header
}

// gzip tells whether requests are compressed.
func (r *reader) gzip() bool {
	variable, compression := r.forTraces("COMPRESSION")
	switch strings.ToLower(compression) {
	case "gzip":
		return true
	case "", "none":
	default:
		r.warnf(variable, "%q is neither gzip nor none, and counts as none", compression)
	}
	return false
}

// tls returns what the files of certificates say, nil without any.
func (r *reader) tls() *tls.Config {
	var config tls.Config
	if variable, path := r.forTraces("CERTIFICATE"); path != "" {
		config.RootCAs = x509.NewCertPool()
		if pem := r.file(variable, path); pem != nil && !config.RootCAs.AppendCertsFromPEM(pem) {
			r.refusef(variable, "there is no certificate in PEM in %q", path)
		}
	}
	own, certificate := r.forTraces("CLIENT_CERTIFICATE")
	secret, key := r.forTraces("CLIENT_KEY")
	switch {
	case certificate == "" && key == "":
	case key == "":
		r.refusef(own, "has no key: OTEL_EXPORTER_OTLP_CLIENT_KEY is not set")
	case certificate == "":
		r.refusef(secret, "has no certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is not set")
	default:
		certificatePEM, keyPEM := r.file(own, certificate), r.file(secret, key)
		if certificatePEM == nil || keyPEM == nil {
			return nil
		}
		pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
		if err != nil {
			r.refusef(own, "%v", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if config.RootCAs == nil && config.Certificates == nil {
		return nil
	}
	return &config
}

// file returns what is in a file, nil when it cannot be read. That problem does not show the path: a key itself might stand in its place.
func (r *reader) file(variable, path string) []byte {
	content, err := os.ReadFile(path) //nolint:gosec // whoever starts the process names it
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		r.refusef(variable, "is not a file that can be read: %v", failed.Err)
		return nil
	}
	return content
}
