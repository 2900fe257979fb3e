package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"time"
)

const (
	maxHeaderBytes = 32 << 10 // of an answer, interim ones before it included; and of its trailers
	// readBuffer holds what the parser of chunks must see at once: a line of chunk extensions.
	readBuffer = 4 << 10
)

var (
	errLongHeader = errors.New("the answer's header is longer than 32 KiB")
	errEnded      = errors.New("the connection ended before the answer began")
	// errGone is why nothing was written on a kept connection: it has ended, or something has come that nobody asked for.
	errGone = errors.New("the kept connection is of no use")
)

// overHTTP1 sends the request over an HTTP/1.1 connection.
func (t *trip) overHTTP1() (*Response, error) {
	c, err := t.origin.pool.take(t.ctx, t.attempt.Number, t.fresh)
	if err != nil {
		return nil, err
	}
	u := &t.use
	*u = use1{} // the use before has ended
	u.trip, u.conn, u.kept, u.began = t, c, c.pooled, time.Now()
	u.stop = context.AfterFunc(t.ctx, c.whenDone)
	response, err := u.exchange()
	if err == nil {
		return response, nil
	}
	if errors.Is(err, errGone) && u.stop() {
		c.close()
		t.origin.pool.lost()
		return nil, err
	}
	u.end(false)
	if t.ctx.Err() != nil {
		if u.kept && !u.heard && time.Since(u.began) >= t.origin.silence {
			t.origin.leave(u.began)
		}
		return nil, t.ctx.Err()
	}
	t.fresh = true
	if u.kept && !u.heard && (t.request.Repeatable || u.wrote == 0) {
		return nil, &staleError{err}
	}
	return nil, err
}

// use1 is the use of an HTTP/1.1 connection for one request and its answer. It owns the connection.
type use1 struct {
	trip  *trip
	conn  *conn
	kept  bool      // the connection has been in the pool, where its end may have come
	began time.Time // the request was begun to be written
	stop  func() bool
	wrote int  // bytes of the request
	begun bool // something has come on the connection since
	heard bool // something of the answer has come

	writing chan error // gets the end of a large body's writing; nil without one

	head    head
	answer  Response // of the head
	framing framing
	left    int64     // of a body whose length is known
	chunks  io.Reader // of a chunked body
}

// exchange writes the request and reads the answer's head.
func (u *use1) exchange() (*Response, error) {
	err := u.write()
	if err != nil && u.wrote == 0 {
		return nil, err
	}
	// An API that refuses a body may close before it has read all of it. Its answer says why.
	response, failed := u.read()
	if err == nil {
		return response, failed
	}
	if failed != nil {
		return nil, err
	}
	u.trip.wrote() // as far as the API wanted it
	u.framing.close = true
	return response, nil
}

// read reads an answer's head, and skips the interim answers before it.
func (u *use1) read() (*Response, error) {
	c := u.conn
	c.mayRead = maxHeaderBytes
	if err := c.open(u.begun); err != nil {
		return nil, err
	}
	if _, err := c.reader.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: %w", errEnded, err)
		}
		return nil, err
	}
	u.heard = true
	for h := &u.head; ; {
		err := h.read(c.reader)
		if err != nil {
			return nil, notEOF(err)
		}
		if h.status < 200 && h.status != http.StatusSwitchingProtocols {
			continue
		}
		if u.framing, err = h.framing(u.trip.request.method); err != nil {
			return nil, err
		}
		if h.status == http.StatusRequestTimeout && u.kept && u.framing.close && u.trip.request.Repeatable {
			u.heard = false // it is no answer to this request: the server has waited in vain before it came
			return nil, errEnded
		}
		return u.response(h), nil
	}
}

func (u *use1) response(h *head) *Response {
	u.left = u.framing.length
	u.framing.close = u.framing.close || h.status == http.StatusSwitchingProtocols
	u.conn.mayRead = unlimited
	if u.framing.chunked {
		u.chunks = httputil.NewChunkedReader(u.conn.reader)
	}
	u.answer = Response{
		Status: h.status, Proto: h.proto, Header: h.header, ContentLength: u.framing.length,
		body: u, complete: u.framing.length == 0, use: u,
	}
	return &u.answer
}

// Read reads the body.
func (u *use1) Read(p []byte) (int, error) {
	switch {
	case u.framing.chunked:
		n, err := u.chunks.Read(p)
		if errors.Is(err, io.EOF) {
			return n, u.readTrailers()
		}
		return n, err
	case u.framing.length < 0:
		return u.conn.reader.Read(p)
	case u.left == 0:
		return 0, io.EOF
	}
	n, err := u.conn.reader.Read(p[:min(int64(len(p)), u.left)])
	u.left -= int64(n)
	switch {
	case u.left == 0:
		return n, io.EOF
	case n == 0 && err != nil:
		return 0, notEOF(err)
	}
	return n, nil
}

// readTrailers reads what follows the last chunk. It is io.EOF when all is well.
func (u *use1) readTrailers() error {
	u.conn.mayRead = maxHeaderBytes
	if _, err := textproto.NewReader(u.conn.reader).ReadMIMEHeader(); err != nil {
		return notEOF(err)
	}
	return io.EOF
}

// notEOF is err, but an end where there should be more is not the end of a body.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (u *use1) end(complete bool) {
	c := u.conn
	if !u.stop() { // cut, or about to be
		u.trip.origin.pool.lost()
		return
	}
	switch {
	case !complete || u.unwritten():
		c.cut()
	case u.framing.close || c.reader.Buffered() > 0:
		c.close()
	default:
		c.rest()
		c.served = true
		u.trip.origin.pool.put(c)
		return
	}
	u.trip.origin.pool.lost()
}

func (u *use1) buffered() int64 { return int64(u.conn.reader.Buffered()) }

func (u *use1) expire(after time.Duration) {
	if after == 0 {
		_ = u.conn.SetReadDeadline(time.Time{})
		return
	}
	_ = u.conn.SetReadDeadline(time.Now().Add(after))
}
