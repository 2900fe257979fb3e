package transport

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tardy is a connection that takes its time with a body.
type tardy struct {
	net.Conn

	takes time.Duration
}

func (s *tardy) Write(p []byte) (int, error) {
	if len(p) > smallBody {
		time.Sleep(s.takes)
	}
	return s.Conn.Write(p)
}

// hasty is a connection to an API that answers, and reads no more, before a request has been written to its end.
type hasty struct {
	net.Conn

	answer io.Reader
}

func (*hasty) Write([]byte) (int, error) { return 5, syscall.EPIPE }

func (s *hasty) Read(p []byte) (int, error) { return s.answer.Read(p) }

func TestARequestThatIsAnsweredBeforeItsEndHasBeenSent(t *testing.T) {
	h := &host{}
	o := NewOrigin(Settings{URL: h.url()})
	o.dialer.address = "1.0.0.1:81"
	o.dialer.connect = func(context.Context, string) (net.Conn, error) {
		here, _ := net.Pipe()
		return &hasty{here, strings.NewReader("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")}, nil
	}
	a := ask(t.Context(), o, newRequest(t, http.MethodPost, []byte("x")), Attempt{})
	require.NoError(t, a.err)
	assert.Equal(t, http.StatusRequestEntityTooLarge, a.status)
	assert.Equal(t, 1, a.sent)
	assert.Zero(t, o.Idle())
	o.Close()
}

// serve answers requests on a connection, and ends it in the middle of the last one. It returns the bodies.
func serve(c net.Conn, last int) (bodies []string) {
	defer c.Close()
	r := bufio.NewReader(c)
	for i := 1; ; i++ {
		request, err := http.ReadRequest(r)
		if err != nil || i == last {
			return bodies
		}
		body, _ := io.ReadAll(request.Body)
		bodies = append(bodies, string(body))
		_, _ = io.WriteString(c, ok+two)
	}
}

func TestALargeBodyThatIsSentAgainIsWrittenOnceOnEachConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1"}}, "ip6": {err: errNotFound}}}
		o := NewOrigin(Settings{URL: h.url()})
		dials, second := 0, make(chan []string, 1)
		o.dialer.lookup = h.lookup
		o.dialer.connect = func(context.Context, string) (net.Conn, error) {
			here, there := net.Pipe()
			if dials++; dials == 1 {
				go serve(there, 2)
				return &tardy{here, 10 * ms}, nil // the end of its write is known when the other connection is in use
			}
			go func() { second <- serve(there, 0) }()
			return &tardy{here, 20 * ms}, nil
		}
		require.NoError(t, ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{}).err)
		body := strings.Repeat("x", smallBody+1)
		request := newRequest(t, http.MethodPut, []byte(body))
		request.Repeatable = true
		a := ask(t.Context(), o, request, Attempt{})
		require.NoError(t, a.err)
		assert.Equal(t, 2, a.sent)
		assert.Equal(t, 2, dials)
		assert.Equal(t, 1, o.Idle(), "the second connection is good")
		o.Close()
		assert.Equal(t, []string{body}, <-second)
	})
}
