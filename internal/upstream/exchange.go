package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
)

// Request is what the attempts of one call send. They share it, so it must not be written to after the first.
type Request struct {
	Method string
	// Target is put behind the API's URL.
	Target forward.Target
	// Header goes as it is. Host and Content-Length are not in it.
	Header http.Header
	Body   []byte
	// MaxBody is the most bytes that the answer's body may have, packed or unpacked.
	MaxBody int64
	// Take is asked for room for so many bytes of the answer's body before they are held. Without it there is always room.
	Take func(bytes int64) bool
	// Repeatable says that it may be sent again on a new connection when a kept one has ended before the answer began.
	Repeatable bool
}

// Answer is a complete answer of the API.
type Answer struct {
	// Attempt is the number of the attempt that got it, from 0.
	Attempt int
	// URL is the index of the URL that it came from.
	URL int
	// Proto is the protocol that it came by, such as "HTTP/1.1".
	Proto  string
	Status int
	// Header has the fields as they came, those of the connection too.
	Header http.Header
	// Body has the bytes as they came, packed when the header says so.
	Body []byte
	// Unpacked has the same bytes unpacked; it is Body when they were not packed.
	Unpacked []byte
}

// ErrFull is why an attempt failed for whose answer there was no room.
var ErrFull = errors.New("the bodies held at a time leave no room for the answer")

// Exchange makes attempt number of a call at the URL of index first+number, round and round, and returns the API's answer, whatever
// its status. Redirects are not followed, interim answers are skipped. Every error is a *fanout.Failure.
func (c *Client) Exchange(ctx context.Context, first, number int, r *Request) (*Answer, error) {
	index := (first + number) % len(c.urls)
	response, u, err := c.open(ctx, number, c.newExchange(c.urls[index], r))
	if err != nil {
		return nil, err
	}
	defer u.end()
	defer func() { _ = response.Body.Close() }()
	switch status := response.StatusCode; {
	case status == http.StatusSwitchingProtocols: // nobody asked for another protocol
		return nil, StatusFailure(status, response.Header)
	case status < 100: // net/http reads any three digits, and panics when it is to write these
		return nil, failure(fmt.Errorf("%03d is not a status", status))
	}
	a := &Answer{Attempt: number, URL: index, Proto: response.Proto, Status: response.StatusCode, Header: response.Header}
	if a.Body, err = r.readBytes(response.Body, response.ContentLength); err != nil {
		return nil, err
	}
	a.Unpacked = a.Body
	if isGzip(response.Header) && len(a.Body) > 0 && a.Status != http.StatusPartialContent { // a part cannot be unpacked
		if a.Unpacked, err = r.unpack(a.Body); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// newExchange returns the request of one attempt.
func (c *Client) newExchange(base *url.URL, r *Request) *http.Request {
	request := &http.Request{
		Method: r.Method, URL: withTarget(base, r.Target.Behind(base.EscapedPath())), Host: base.Host,
		Header: maps.Clone(r.Header), ContentLength: int64(len(r.Body)),
	}
	if _, ok := r.Header["User-Agent"]; !ok {
		request.Header["User-Agent"] = c.userAgent
	}
	if !r.Repeatable {
		hideKeys(request.Header)
	}
	if len(r.Body) > 0 {
		// A request of which nothing has been written may go by another connection.
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
		request.Body, _ = request.GetBody()
	}
	return request
}

// hideKeys writes the names of these fields in lower case. net/http sends even a POST again when it knows one of them by its usual name.
// To the API both names are the same.
func hideKeys(header http.Header) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := header[name]; ok {
			delete(header, name)
			header[strings.ToLower(name)] = values
		}
	}
}

// Sends tells whether the target can be sent byte for byte. net/http writes a path that begins with two slashes as it is only when every
// character is one that RFC 3986 allows there.
func (c *Client) Sends(target forward.Target) bool {
	return !strings.Contains(target.Path, "|") || !slices.ContainsFunc(c.urls, func(base *url.URL) bool {
		return strings.HasPrefix(target.Behind(base.EscapedPath()), "//")
	})
}

// withTarget returns the URL whose request line has this target, byte for byte.
func withTarget(base *url.URL, target string) *url.URL {
	path, query, has := strings.Cut(target, "?")
	u := &url.URL{Scheme: base.Scheme, Host: base.Host, RawQuery: query, ForceQuery: has}
	if !strings.HasPrefix(path, "//") {
		u.Opaque = path // net/http writes it as it is
		return u
	}
	u.Path, _ = url.PathUnescape(path) // the handler has checked it
	u.RawPath = path
	return u
}

// firstPiece is the most memory that a body gets before its bytes have come: an API may promise much and send nothing.
const firstPiece = 64 << 10

// readBytes reads a whole body of at most MaxBody bytes. length is what its header says, below 0 when that says nothing.
func (r *Request) readBytes(body io.Reader, length int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(length, 0), firstPiece)) + bytes.MinRead)
	n, err := b.ReadFrom(&taking{io.LimitReader(body, r.MaxBody+1), r.Take})
	switch {
	case n > r.MaxBody:
		return nil, &fanout.Failure{Reason: fanout.Reason{Kind: kindTooLarge}}
	case errors.Is(err, ErrFull):
		return nil, &fanout.Failure{Reason: fanout.Reason{Kind: kindFull}, Err: err}
	case err != nil:
		return nil, bodyFailure(err)
	}
	return b.Bytes(), nil
}

// taking asks for room for what it reads.
type taking struct {
	from io.Reader
	take func(int64) bool
}

func (t *taking) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if t.take != nil && !t.take(int64(n)) {
		return 0, ErrFull
	}
	return n, err
}

// unpack returns a body out of gzip.
func (r *Request) unpack(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, bodyFailure(err)
	}
	return r.readBytes(reader, -1)
}

func isGzip(header http.Header) bool {
	coding := header.Get("Content-Encoding")
	return strings.EqualFold(coding, "gzip") || strings.EqualFold(coding, "x-gzip")
}
