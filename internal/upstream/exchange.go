package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/upstream/transport"
)

// Request is what the attempts of one call send. They share it, so nobody may write to its fields after the first.
type Request struct {
	Method string
	// Target is put behind the API's URL.
	Target forward.Target
	// Header goes as it is. Host and Content-Length are not in it.
	Header http.Header
	Body   []byte
	// Fields, when set, returns what only the request of one attempt has, by the attempt's number. Header has none of these names.
	Fields func(number int) http.Header
	// MaxBody is the most bytes that the answer's body may have, packed or unpacked.
	MaxBody int64
	// Memory is where the answer's body is held. nil: in memory of its own, without a bound.
	Memory Memory
	// Repeatable says that it may be sent again on a new connection when a kept one has ended before the answer began.
	Repeatable bool

	more atomic.Int64

	mu       sync.Mutex
	rendered []*transport.Request // by the index of the URL
}

// Memory holds the bodies of answers. It must be safe for concurrent use.
type Memory interface {
	// Take is asked for room for so many bytes before they are held.
	Take(bytes int64) bool
	// Body returns an empty buffer for one body.
	Body() *bytes.Buffer
}

// More is how many more requests have been written than there were attempts, as far as they have got their answer or ended. An attempt
// that had no connection counts -1, one whose request was written again 1.
func (r *Request) More() int { return int(r.more.Load()) }

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

// Exchange makes an attempt at the URL of an index and returns the API's answer, whatever its status. Redirects are not followed,
// interim answers are skipped. Every error is a *fanout.Failure.
func (c *Client) Exchange(ctx context.Context, index int, a fanout.Attempt, r *Request) (*Answer, error) {
	request, err := r.render(index, c.urls)
	if err != nil {
		c.observeUnsent()
		r.more.Add(-1)
		return nil, failure(err)
	}
	if r.Fields != nil {
		request = request.With(r.Fields(a.Number))
	}
	response, sent, err := c.open(ctx, c.origins[index], attemptOf(a), request)
	r.more.Add(int64(sent) - 1)
	if err != nil {
		return nil, err
	}
	defer response.End()
	if response.Status == http.StatusSwitchingProtocols { // nobody asked for another protocol
		return nil, StatusFailure(response.Status, response.Header)
	}
	return r.read(response, &Answer{Attempt: a.Number, URL: index, Proto: response.Proto, Status: response.Status, Header: response.Header})
}

// render returns what is sent to the URL of an index, the same to every attempt.
func (r *Request) render(index int, urls []*url.URL) (*transport.Request, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rendered == nil {
		r.rendered = make([]*transport.Request, len(urls))
	}
	if r.rendered[index] == nil {
		base := urls[index]
		request, err := transport.NewRequest(r.Method, r.Target.Behind(base.EscapedPath()), base.Host, r.Header, r.Body)
		if err != nil {
			return nil, err
		}
		request.Repeatable = r.Repeatable
		r.rendered[index] = request
	}
	return r.rendered[index], nil
}

// read reads the body of an answer.
func (r *Request) read(response *transport.Response, a *Answer) (_ *Answer, err error) {
	if a.Body, err = r.readBytes(response, response.ContentLength); err != nil {
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

// firstPiece is the most memory that a body gets before its bytes have come: an API may promise much and send nothing.
const firstPiece = 64 << 10

// readBytes reads a whole body of at most MaxBody bytes. length is what its header says, below 0 when that says nothing.
func (r *Request) readBytes(body io.Reader, length int64) ([]byte, error) {
	var b *bytes.Buffer
	if r.Memory != nil {
		b = r.Memory.Body()
	} else {
		b = new(bytes.Buffer)
	}
	b.Grow(int(min(max(length, 0), firstPiece)) + bytes.MinRead)
	n, err := b.ReadFrom(&taking{io.LimitedReader{R: body, N: r.MaxBody + 1}, r.Memory})
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
	from io.LimitedReader
	room Memory // nil: there is always room
}

func (t *taking) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if t.room != nil && !t.room.Take(int64(n)) {
		return 0, ErrFull
	}
	return n, err
}

// unpack returns a body out of gzip.
func (r *Request) unpack(packed []byte) ([]byte, error) {
	reader, err := unzip(bytes.NewReader(packed))
	if err != nil {
		return nil, bodyFailure(err)
	}
	return r.readBytes(reader, -1)
}
