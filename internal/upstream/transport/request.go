package transport

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Request is what an attempt sends. It is not written to after NewRequest, so that attempts may share it.
type Request struct {
	// Repeatable says that it may be sent again when the connection has ended before the answer began.
	Repeatable bool

	method, target, host string
	header               http.Header
	body                 []byte
	message              []byte // as HTTP/1.1 writes it, without a body that is not small
	fields               int    // of message: where further fields may stand
}

// NewRequest returns a request. target goes on the wire as it is: an absolute path, or one with a query. header has neither Host nor
// Content-Length. The error says which part cannot be written.
func NewRequest(method, target, host string, header http.Header, body []byte) (*Request, error) {
	r := &Request{method: method, target: target, host: withoutZone(host), header: header, body: body}
	if !strings.HasPrefix(target, "/") || !visible(target) {
		return nil, fmt.Errorf("a target that cannot be written: %q", target)
	}
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("a field name that cannot be written: %q", name)
		}
		if !slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			continue
		}
		return nil, fmt.Errorf("a value that cannot be written in the field %s", name) // it may be a secret
	}
	r.message = r.appendHead(make([]byte, 0, 512))
	r.fields = len(r.message) - len(endOfHead)
	if len(body) <= smallBody {
		r.message = append(r.message, body...)
	}
	return r, nil
}

// withoutZone is a host without the zone of an IPv6 address, which is for this machine alone: RFC 6874, section 4.
func withoutZone(host string) string {
	if end := strings.LastIndexByte(host, ']'); end >= 0 {
		if zone := strings.IndexByte(host[:end], '%'); zone >= 0 {
			return host[:zone] + host[end:]
		}
	}
	return host
}

// visible tells whether s is nothing but visible ASCII.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (r *Request) appendHead(b []byte) []byte {
	b = append(append(append(append(b, r.method...), ' '), r.target...), " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", r.host)
	var few [16]string
	names := few[:0]
	for name := range r.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.header[name] {
			b = appendField(b, name, value)
		}
	}
	if len(r.body) > 0 || r.method == http.MethodPost || r.method == http.MethodPut || r.method == http.MethodPatch {
		b = appendField(b, "Content-Length", strconv.Itoa(len(r.body)))
	}
	return append(b, endOfHead...)
}

// endOfHead stands behind the last field.
const endOfHead = "\r\n"

// With returns the request with further fields, which it did not have before. Their names and values can be written: a caller's server has
// read them.
func (r *Request) With(fields http.Header) *Request {
	size := len(r.message)
	for name, values := range fields {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	with := *r
	with.header = make(http.Header, len(r.header)+len(fields))
	maps.Copy(with.header, r.header)
	maps.Copy(with.header, fields)
	with.message = append(make([]byte, 0, size), r.message[:r.fields]...)
	for name, values := range fields {
		for _, value := range values {
			with.message = appendField(with.message, name, value)
		}
	}
	with.fields = len(with.message)
	with.message = append(with.message, r.message[r.fields:]...)
	return &with
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}

// http2 returns the request for net/http. It writes the target byte for byte.
func (r *Request) http2(scheme string) *http.Request {
	path, query, has := strings.Cut(r.target, "?")
	u := &url.URL{Scheme: scheme, Host: r.host, Opaque: path, RawQuery: query, ForceQuery: has}
	if strings.HasPrefix(path, "//") { // taken for a host otherwise; net/http cuts scheme and host off again
		u.Opaque = "//" + r.host + path
	}
	request := &http.Request{
		Method: r.method, URL: u, Host: r.host, Header: r.header, ContentLength: int64(len(r.body)), Proto: "HTTP/2.0", ProtoMajor: 2,
	}
	if len(r.body) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(r.body))
	}
	return request
}
