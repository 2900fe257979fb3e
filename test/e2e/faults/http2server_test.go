package faults

import (
	"bytes"
	"io"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"hedgerow/test/faultserver"
)

// http2Stream is a request on an HTTP/2 connection.
type http2Stream struct {
	*http2Conn
	id      uint32
	ofConn  int // number of the stream on its connection, from 0
	overall int // number of the stream on the server, from 0
}

// http2Server is an HTTP/2 server on raw frames. behave runs on the connection's own goroutine for each request.
type http2Server struct {
	behave func(http2Stream)

	mu      sync.Mutex
	conns   int
	streams int
	resets  int // streams that the client has reset
}

type http2Conn struct {
	number int        // of the connection on the server, from 0
	mu     sync.Mutex // of writes
	framer *http2.Framer
	last   uint32 // streams after it are ignored; only the connection's own goroutine has to do with it
}

// serveHTTP2 serves a listener until the test ends.
func serveHTTP2(t *testing.T, listener net.Listener, behave func(http2Stream)) *http2Server {
	t.Helper()
	s := &http2Server{behave: behave}
	faultserver.Accept(t, listener, s.serve)
	return s
}

func (s *http2Server) serve(conn net.Conn) {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	s.mu.Lock()
	c := &http2Conn{number: s.conns, framer: http2.NewFramer(conn, conn), last: math.MaxInt32}
	s.conns++
	s.mu.Unlock()
	if c.framer.WriteSettings() != nil {
		return
	}
	for ofConn := 0; ; {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				c.write(func(w *http2.Framer) error { return w.WriteSettingsAck() })
			}
		case *http2.PingFrame:
			c.write(func(w *http2.Framer) error { return w.WritePing(true, f.Data) })
		case *http2.RSTStreamFrame:
			s.mu.Lock()
			s.resets++
			s.mu.Unlock()
		case *http2.HeadersFrame:
			if f.StreamID > c.last {
				continue
			}
			s.mu.Lock()
			overall := s.streams
			s.streams++
			s.mu.Unlock()
			s.behave(http2Stream{c, f.StreamID, ofConn, overall})
			ofConn++
		}
	}
}

// write ignores errors: the connection's reader ends with them.
func (c *http2Conn) write(frame func(*http2.Framer) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = frame(c.framer)
}

// answer is a healthy answer.
func (s http2Stream) answer() {
	s.answerHead()
	s.write(func(w *http2.Framer) error { return w.WriteData(s.id, true, []byte(`{"time":1}`)) })
}

// answerAndEnd is a healthy answer that ends in a frame of its own.
func (s http2Stream) answerAndEnd() {
	s.answerHead(hpack.HeaderField{Name: "content-length", Value: "10"})
	s.write(func(w *http2.Framer) error { return w.WriteData(s.id, false, []byte(`{"time":1}`)) })
	time.Sleep(5 * time.Millisecond) // the body has been read by now, and its end has not come
	s.write(func(w *http2.Framer) error { return w.WriteData(s.id, true, nil) })
}

func (s http2Stream) answerHead(fields ...hpack.HeaderField) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	_ = encoder.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	for _, f := range fields {
		_ = encoder.WriteField(f)
	}
	s.write(func(w *http2.Framer) error {
		return w.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block.Bytes(), EndHeaders: true})
	})
}

func (s http2Stream) reset(code http2.ErrCode) {
	s.write(func(w *http2.Framer) error { return w.WriteRSTStream(s.id, code) })
}

// goAway says that streams after last are not and will not be processed.
func (s http2Stream) goAway(last uint32, code http2.ErrCode) {
	s.last = last
	s.write(func(w *http2.Framer) error { return w.WriteGoAway(last, code, nil) })
}

func (s *http2Server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

func assertRequests(t *testing.T, s *http2Server, atLeast int) {
	t.Helper()
	assert.GreaterOrEqual(t, s.requests(), atLeast, "requests, those made again included")
}
