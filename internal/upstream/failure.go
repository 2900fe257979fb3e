package upstream

import (
	"compress/flate"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"

	"hedgerow/internal/fanout"
)

// Kinds of reasons why an attempt failed. They are also the words that callers see.
const (
	kindUnknownHost     fanout.Kind = "unknown host"
	kindResolver        fanout.Kind = "host not resolved" // the resolver is silent or failing
	kindRefused         fanout.Kind = "connection refused"
	kindConnect         fanout.Kind = "could not connect"
	kindTLS             fanout.Kind = "TLS failure"
	kindReset           fanout.Kind = "connection reset"
	kindClosed          fanout.Kind = "connection closed"
	kindInvalidResponse fanout.Kind = "invalid response"
	kindIncomplete      fanout.Kind = "incomplete body"
	kindCorrupt         fanout.Kind = "corrupt body"
	kindTooLarge        fanout.Kind = "body too large"
	kindInvalidBody     fanout.Kind = "invalid body"
	kindFull            fanout.Kind = "no room for the answer"
	kindStatus          fanout.Kind = "status"                    // its code is the status
	kindCondition       fanout.Kind = "condition not met, status" // its code is the status
	kindUnevaluated     fanout.Kind = "condition cannot be evaluated, status"
)

// kinds are those of every attempt but the ones that have a status for their code.
var kinds = []fanout.Kind{
	kindUnknownHost, kindResolver, kindRefused, kindConnect, kindTLS, kindReset, kindClosed,
	kindInvalidResponse, kindIncomplete, kindCorrupt, kindTooLarge,
}

// Reasons returns every reason for which an attempt of Fetch can fail. For the statuses it has one of each class: 100 for all from 100
// to 199, and so on.
func Reasons() []fanout.Reason {
	return append(reasons(kinds, kindStatus), fanout.Reason{Kind: kindInvalidBody})
}

// ExchangeReasons returns every reason for which an attempt of Exchange can fail, also those of StatusFailure and ConditionFailure.
// For the statuses it has one of each class.
func ExchangeReasons() []fanout.Reason {
	return append(reasons(kinds, kindStatus, kindCondition, kindUnevaluated), fanout.Reason{Kind: kindFull})
}

func reasons(kinds []fanout.Kind, ofStatus ...fanout.Kind) []fanout.Reason {
	var all []fanout.Reason
	for _, kind := range kinds {
		all = append(all, fanout.Reason{Kind: kind})
	}
	for _, kind := range ofStatus {
		for status := 100; status < 600; status += 100 {
			all = append(all, fanout.Reason{Kind: kind, Code: status})
		}
	}
	return all
}

// StatusFailure is the failure of an answer whose status is not a success.
func StatusFailure(status int, header http.Header) error {
	return &fanout.Failure{Reason: fanout.Reason{Kind: kindStatus, Code: status}, RetryAfter: pushback(status, header)}
}

// ConditionFailure is the failure of an answer that does not meet the condition for a success. err, when it is not nil, says why the
// condition cannot be evaluated.
func ConditionFailure(status int, err error) error {
	kind := kindCondition
	if err != nil {
		kind = kindUnevaluated
	}
	return &fanout.Failure{Reason: fanout.Reason{Kind: kind, Code: status}, Err: err}
}

// failure classifies an error of a round trip.
func failure(err error) error {
	return &fanout.Failure{Reason: fanout.Reason{Kind: kindOf(err, kindInvalidResponse)}, Err: err}
}

// bodyFailure classifies an error of reading a body.
func bodyFailure(err error) error {
	return &fanout.Failure{Reason: fanout.Reason{Kind: kindOf(err, kindIncomplete)}, Err: err}
}

// kindOf names what went wrong. other is the kind of an unknown error.
func kindOf(err error, other fanout.Kind) fanout.Kind {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		deflate     flate.CorruptInputError
		operation   *net.OpError
		network     net.Error
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return kindUnknownHost
	case dns != nil:
		return kindResolver
	case errors.As(err, &certificate), errors.As(err, &record):
		return kindTLS
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &deflate):
		return kindCorrupt
	case errors.Is(err, syscall.ECONNREFUSED):
		return kindRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return kindReset
	case errors.As(err, &operation) && operation.Op == "remote error": // an alert of the other side, as crypto/tls wraps it
		return kindTLS
	case errors.As(err, &operation) && operation.Op == "dial":
		return kindConnect
	case errors.As(err, &network) && network.Timeout(): // a dial's timeout is above, so this is the handshake's
		return kindTLS
	case errors.Is(err, io.EOF):
		return kindClosed
	}
	return other
}
