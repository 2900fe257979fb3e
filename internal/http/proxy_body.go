package http

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"

	"hedgerow/internal/gateway"
)

// writeMargin is the time that the first piece of an answer may take to be written after the call's deadline, and each further one after the
// one before. The file of APIs may allow for longer calls than those that the server's own timeouts are made for.
const writeMargin = 5 * time.Second

// writePiece is what of an answer the caller must take within writeMargin.
const writePiece = 64 << 10

// writeBody writes an answer's body, however long the caller takes, as long as it goes on reading. The record is told when the first piece has
// been written, if there are others, and when the caller has not taken all of it.
func writeBody(c *gin.Context, body []byte) {
	r, control := recordOf(c), http.NewResponseController(c.Writer)
	for {
		piece := body[:min(len(body), writePiece)]
		if _, err := c.Writer.Write(piece); err != nil {
			r.cut = true
			return
		}
		if body = body[len(piece):]; len(body) == 0 {
			return
		}
		now := time.Now()
		if r.begun.IsZero() {
			r.begun = now
		}
		_ = control.SetWriteDeadline(now.Add(writeMargin))
	}
}

// readBody sets the connection's deadlines for a call, and reads a request's whole body, of at most limit bytes, by the deadline.
// Trailers are dropped.
func readBody(c *gin.Context, limit int64, deadline time.Time, holding *gateway.Holding) ([]byte, error) {
	r := c.Request
	control := http.NewResponseController(c.Writer) // whose deadlines only HTTP/2 lacks, and the server does not speak that
	_ = control.SetWriteDeadline(deadline.Add(writeMargin))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }() // while the call runs, a read that times out is a caller gone
	switch {
	case r.ContentLength == 0:
		return nil, nil
	case r.ContentLength > limit:
		return nil, errBodyTooLarge
	}
	_ = control.SetReadDeadline(deadline)
	var b bytes.Buffer
	n, err := b.ReadFrom(&holdingReader{io.LimitReader(r.Body, limit+1), holding})
	switch {
	case n > limit:
		return nil, errBodyTooLarge
	case errors.Is(err, errBuffersFull):
		return nil, errBuffersFull
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errBodySlow
	case err != nil:
		return nil, errBodyCut
	}
	return b.Bytes(), nil
}

// holdingReader asks for room for what it reads.
type holdingReader struct {
	from    io.Reader
	holding *gateway.Holding
}

func (h *holdingReader) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	if !h.holding.TakeRequest(int64(n)) {
		return 0, errBuffersFull
	}
	return n, err
}
