package transport

import (
	"io"
	"net/http"
	"time"
)

const (
	discardLimit = 64 << 10               // bytes
	discardTime  = 250 * time.Millisecond // long enough for a body that is on its way
)

// Response is an answer whose head has come. Read reads its body. Whoever has it ends it once, by End or Discard.
type Response struct {
	Status int
	// Proto is the protocol that it came by, such as "HTTP/1.1".
	Proto string
	// Header has the fields as they came, those of the connection too.
	Header http.Header
	// ContentLength is what the header says of the body in bytes, -1 when it says nothing.
	ContentLength int64

	body     io.Reader
	complete bool // the body has been read to its end
	use      use
}

// use is the use of a connection for one answer.
type use interface {
	// end gives the connection back for others, or does away with it when the answer is not complete.
	end(complete bool)
	// buffered is how many bytes of a body can be read without waiting.
	buffered() int64
	// expire lets reads fail after a time. 0: not any more.
	expire(after time.Duration)
}

// Read reads the body. After io.EOF the connection is good for another attempt.
func (r *Response) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if err == io.EOF {
		r.complete = true
	}
	return n, err
}

// End ends the use of the answer. When its body has not been read to its end the attempt is cut.
func (r *Response) End() { r.use.end(r.complete) }

// Discard ends the use of the answer, but lets the rest of its body come, for 250 ms and 64 KiB at most, so that its connection can be
// used again. It does not wait for that.
func (r *Response) Discard() {
	if r.complete {
		r.End()
		return
	}
	r.use.expire(discardTime)
	if r.ContentLength >= 0 && r.ContentLength <= r.use.buffered() {
		r.discard()
		return
	}
	go r.discard()
}

func (r *Response) discard() {
	_, _ = io.CopyN(io.Discard, r, discardLimit) // whether the end came is what matters
	if r.complete {
		r.use.expire(0)
	}
	r.End()
}
