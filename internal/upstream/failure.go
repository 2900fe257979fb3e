package upstream

import (
	"compress/flate"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"hedgerow/internal/fanout"
)

// Reasons why an attempt failed, as callers may see them. A status is "status " and its number.
const (
	reasonUnknownHost     = "unknown host"
	reasonRefused         = "connection refused"
	reasonConnect         = "could not connect"
	reasonTLS             = "TLS failure"
	reasonReset           = "connection reset"
	reasonClosed          = "connection closed"
	reasonInvalidResponse = "invalid response"
	reasonIncomplete      = "incomplete body"
	reasonCorrupt         = "corrupt body"
	reasonTooLarge        = "body too large"
	reasonInvalidBody     = "invalid body"
)

// Reasons returns every reason for which an attempt can fail here, other than a status.
func Reasons() []string {
	return []string{
		reasonUnknownHost, reasonRefused, reasonConnect, reasonTLS, reasonReset, reasonClosed,
		reasonInvalidResponse, reasonIncomplete, reasonCorrupt, reasonTooLarge, reasonInvalidBody,
	}
}

// statusFailure is that of an answer of another status than 200.
func statusFailure(response *http.Response) error {
	return &fanout.Failure{Reason: "status " + strconv.Itoa(response.StatusCode), RetryAfter: pushback(response)}
}

// failure classifies an error of a round trip.
func failure(err error) error {
	return &fanout.Failure{Reason: reason(err, reasonInvalidResponse), Err: err}
}

// bodyFailure classifies an error of reading a body.
func bodyFailure(err error) error {
	return &fanout.Failure{Reason: reason(err, reasonIncomplete), Err: err}
}

// reason names what went wrong; other is for an error that is none of the known ones.
func reason(err error, other string) string {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		deflate     flate.CorruptInputError
		operation   *net.OpError
		network     net.Error
	)
	switch {
	case errors.As(err, &dns):
		return reasonUnknownHost
	case errors.As(err, &certificate), errors.As(err, &record):
		return reasonTLS
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &deflate):
		return reasonCorrupt
	case errors.Is(err, syscall.ECONNREFUSED):
		return reasonRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return reasonReset
	case errors.As(err, &operation) && operation.Op == "remote error": // how crypto/tls wraps the other side's alert
		return reasonTLS
	case errors.As(err, &operation) && operation.Op == "dial":
		return reasonConnect
	case errors.As(err, &network) && network.Timeout(): // the dial's was before: only the handshake has another one
		return reasonTLS
	case errors.Is(err, io.EOF):
		return reasonClosed
	}
	return other
}
