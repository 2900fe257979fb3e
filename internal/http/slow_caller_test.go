package http

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/pipes"
)

// serveOne serves a connection, and returns the other end of it.
func serveOne(t *testing.T, handler http.Handler) net.Conn {
	t.Helper()
	l := pipes.Listen()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, WriteTimeout: writeMargin}
	go func() { _ = server.Serve(l) }() // until Close
	t.Cleanup(func() { _ = server.Close() })
	return l.Dial()
}

const sizeOfSlow = 16 * writePiece

// answersSlowly is a service with a large answer, and the record of its latest request.
func answersSlowly(ended chan<- *record) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET("/", noteArrival, func(c *gin.Context) {
		writeBody(c, make([]byte, sizeOfSlow))
		ended <- recordOf(c)
	})
	return r
}

func TestACallerMayTakeItsTimeAsLongAsItReads(t *testing.T) {
	for name, test := range map[string]struct {
		pause time.Duration // of the caller, before each piece
		cut   bool
	}{"it reads": {2 * time.Second, false}, "it stalls": {writeMargin + time.Second, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan *record, 1)
				conn := serveOne(t, answersSlowly(ended))
				began := time.Now()
				_, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
				require.NoError(t, err)
				read, piece := 0, make([]byte, writePiece)
				for err == nil {
					time.Sleep(test.pause)
					var n int
					n, err = io.ReadFull(conn, piece)
					read += n
				}
				r := <-ended
				assert.Equal(t, test.cut, r.cut)
				assert.Equal(t, test.cut, read < sizeOfSlow)
				if !test.cut {
					assert.Greater(t, time.Since(began), 30*time.Second)
					assert.LessOrEqual(t, r.duration(), 2*test.pause, "the rest is up to the caller")
				}
			})
		})
	}
}

func TestAConnectionOfHTTP10IsKeptOnlyWhenNoBodyCanStandOnIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := gin.New()
		r.NoRoute(noteArrival, closeAfter(func() bool { return true }), func(c *gin.Context) { c.String(http.StatusOK, "%s", c.Request.URL) })
		for request, want := range map[string]int{ // answers
			"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n":                                2,
			"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n":                               2,
			"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n": 1,
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":                         2,
		} {
			conn := serveOne(t, r)
			answers := make(chan int)
			go func() {
				read, _ := io.ReadAll(conn)
				answers <- strings.Count(string(read), "HTTP/1.")
			}()
			_, _ = io.WriteString(conn, request+"GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			assert.Equal(t, want, <-answers, request)
		}
	})
}

func TestARefusalDoesNotWaitForABodyThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := gin.New()
		r.POST("/", noteArrival, func(c *gin.Context) { refuse(c, errBodySlow) })
		conn := serveOne(t, r)
		began := time.Now()
		_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
		require.NoError(t, err)
		reader := bufio.NewReader(conn)
		line, err := reader.ReadString('\n')
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(line, "HTTP/1.1 408 "), line)
		assert.Zero(t, time.Since(began))
		_, err = io.Copy(io.Discard, reader)
		require.NoError(t, err)
		assert.Equal(t, bodyRest, time.Since(began), "then nothing more is read")
	})
}
