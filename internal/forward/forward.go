// Package forward says what of an HTTP message an intermediary passes on: RFC 9110, section 7.6, and the lists of an API's settings.
package forward

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// hopByHop are the fields that belong to one connection: RFC 9110, section 7.6.1, and those of older proxies.
var hopByHop = []string{
	"Connection", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
}

// usual are the fields of a caller's request that every API gets.
var usual = []string{
	"Accept", "Accept-Language", "Content-Type", "Content-Language", "If-Match", "If-None-Match", "If-Modified-Since",
	"If-Unmodified-Since", "If-Range", "Range", "Idempotency-Key", "Traceparent", "Tracestate",
}

// credentials are the fields that say who the caller is. "*" leaves them out.
var credentials = []string{"Authorization", "Cookie", "Proxy-Authorization"}

// ours are the fields that the service writes itself, or reads and keeps.
var ours = []string{"Accept-Encoding", "Content-Length", "Expect", "Host", "Via"}

// Requests says which fields of a caller's request go on to an API. The zero value passes the usual ones. It is read only once it is
// made, so it is safe for concurrent use.
type Requests struct {
	all   bool
	extra map[string]bool // canonical names beside the usual ones
}

// NewRequests returns the rule for the field names of an API's setting forward.headers. "*" stands for every name but credentials
// and User-Agent. Names that never go on have no effect; Never tells which those are.
func NewRequests(names []string) Requests {
	r := Requests{extra: map[string]bool{}}
	for _, name := range names {
		if name == "*" {
			r.all = true
		}
		r.extra[textproto.CanonicalMIMEHeaderKey(name)] = true
	}
	return r
}

// Usual returns the names of the fields that every API gets of a caller's request.
func Usual() []string { return slices.Clone(usual) }

// Credentials returns the names of the fields that say who the caller is. They go on by name alone.
func Credentials() []string { return slices.Clone(credentials) }

// OfConnection tells whether a field with this canonical name belongs to one connection.
func OfConnection(name string) bool { return slices.Contains(hopByHop, name) }

// Ours tells whether a field with this canonical name is written or kept by the service, or belongs to one connection.
func Ours(name string) bool {
	return OfConnection(name) || slices.Contains(ours, name) || strings.HasPrefix(name, "Hedgerow-")
}

// Never tells whether a field with this canonical name never goes on to an API, whatever its settings say.
func Never(name string) bool {
	return Ours(name) || name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-")
}

// Passes tells whether a field with this canonical name goes on.
func (r Requests) Passes(name string) bool {
	switch {
	case Never(name):
		return false
	case r.extra[name], slices.Contains(usual, name):
		return true
	}
	return r.all && name != "User-Agent" && !slices.Contains(credentials, name)
}

// Header returns the fields of a caller's header that go on, and the names of those that were dropped though they are no
// connection's or the service's own. The values are shared with header.
func (r Requests) Header(header http.Header) (passed http.Header, dropped []string) {
	passed = make(http.Header, len(header)+4)
	connection := connectionNames(header)
	for name, values := range header {
		switch {
		case slices.Contains(connection, name):
		case r.Passes(name):
			passed[name] = values
		case !Ours(name):
			dropped = append(dropped, name)
		}
	}
	if AcceptsGzip(header) {
		passed["Accept-Encoding"] = []string{"gzip"}
	}
	return passed, dropped
}

// Answers says which fields of an API's answer go on to the caller. It is read only once it is made.
type Answers struct {
	drop map[string]bool
}

// NewAnswers returns the rule for an API's settings remove and keep. Set-Cookie is dropped unless it is kept.
func NewAnswers(remove, keep []string) Answers {
	a := Answers{drop: map[string]bool{"Set-Cookie": true}}
	for _, name := range hopByHop {
		a.drop[name] = true
	}
	for _, name := range keep {
		if name = textproto.CanonicalMIMEHeaderKey(name); !OfConnection(name) {
			delete(a.drop, name)
		}
	}
	for _, name := range remove {
		a.drop[textproto.CanonicalMIMEHeaderKey(name)] = true
	}
	return a
}

// Copy adds the fields that go on to a header. The values are shared with from, but for those of names that were there before.
func (a Answers) Copy(to, from http.Header) {
	connection := connectionNames(from)
	for name, values := range from {
		if !a.drop[name] && !slices.Contains(connection, name) {
			if before := to[name]; before != nil {
				values = append(before, values...)
			}
			to[name] = values
		}
	}
}

// connectionNames are the canonical names in the field Connection, which belong to one connection too.
func connectionNames(header http.Header) []string {
	var names []string
	for _, value := range header["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			names = append(names, textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)))
		}
	}
	return names
}

// AcceptsGzip tells whether a caller accepts an answer in gzip: RFC 9110, section 12.5.3. A weight of 0 refuses it.
func AcceptsGzip(header http.Header) bool {
	accepted := false
	for _, value := range header["Accept-Encoding"] {
		for element := range strings.SplitSeq(value, ",") {
			coding, weight, _ := strings.Cut(element, ";")
			switch strings.ToLower(textproto.TrimString(coding)) {
			case "gzip", "x-gzip":
				return !refusesWeight(weight)
			case "*":
				accepted = !refusesWeight(weight)
			}
		}
	}
	return accepted
}

// refusesWeight tells whether a weight such as "q=0.0" is zero.
func refusesWeight(parameter string) bool {
	name, value, ok := strings.Cut(parameter, "=")
	return ok && strings.EqualFold(textproto.TrimString(name), "q") && strings.Trim(textproto.TrimString(value), "0.") == ""
}
