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

// writeMargin is the time that an answer may take to be written after the call's deadline. The file of APIs may allow for longer
// calls than those that the server's own timeouts are made for.
const writeMargin = 5 * time.Second

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
