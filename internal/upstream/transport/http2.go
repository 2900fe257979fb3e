package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// An HTTP/2 connection that has been silent for pingAfter is pinged. Without an answer within pingTimeout it is closed.
const (
	pingAfter   = 2 * time.Second
	pingTimeout = 2 * time.Second
)

// writing is how much of a request net/http says it has written.
type writing struct{ head, whole atomic.Bool }

func (w *writing) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		WroteHeaders: func() { w.head.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) { w.whole.Store(info.Err == nil) },
	}
}

// sent tells whether the request has been sent when it has ended with err. An answer may be here before net/http says so, and before a
// body that it refuses has gone.
func (w *writing) sent(err error) bool { return err == nil || w.whole.Load() }

// overHTTP2 sends the request over an HTTP/2 connection.
func (t *trip) overHTTP2() (*Response, error) {
	c, kept, err := t.origin.shared.take(t.ctx, t.attempt.Number)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	var w writing
	answer, err := c.RoundTrip(t.request.http2(t.origin.scheme).WithContext(httptrace.WithClientTrace(t.ctx, w.trace())))
	if w.sent(err) {
		t.wrote()
	}
	switch {
	case err == nil && answer.StatusCode < 100: // net/http reads any three digits
		_ = answer.Body.Close()
		return nil, fmt.Errorf("malformed HTTP status %03d", answer.StatusCode)
	case err == nil:
		c.heard()
		return &Response{
			Status: answer.StatusCode, Proto: answer.Proto, Header: answer.Header, ContentLength: answer.ContentLength,
			body: answer.Body, complete: answer.Body == http.NoBody, use: &use2{conn: c, body: answer.Body},
		}, nil
	case t.ctx.Err() != nil:
		if kept && time.Since(began) >= t.origin.silence && !c.spokeSince(began) {
			t.origin.leave(began)
		}
		return nil, t.ctx.Err()
	case !w.head.Load() || untouched(err) || kept && t.request.Repeatable && c.Err() != nil:
		return nil, &staleError{err}
	}
	return nil, err
}

// untouched tells whether the API says that it has not acted on a request: RFC 9113, section 8.7.
func untouched(err error) bool {
	if reset, ok := errors.AsType[streamError](err); ok {
		return reset.Code == codeRefusedStream
	}
	return strings.Contains(err.Error(), "graceful shutdown GOAWAY") // net/http has no name for it
}

// streamError is what net/http gives of its error of this kind.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "" }

const codeRefusedStream = 7 // RFC 9113, section 7

// use2 is the use of an HTTP/2 connection for one answer.
type use2 struct {
	conn  *sharedConn
	body  interface{ Close() error }
	timer *time.Timer
}

func (u *use2) end(complete bool) {
	if complete {
		u.conn.heard()
	}
	_ = u.body.Close() // resets the stream when it has not ended
}

func (u *use2) buffered() int64 { return -1 }

func (u *use2) expire(after time.Duration) {
	if after == 0 {
		u.timer.Stop()
		return
	}
	u.timer = time.AfterFunc(after, func() { _ = u.body.Close() })
}
