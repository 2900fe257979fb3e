package http

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"hedgerow/internal/fanout"
	"hedgerow/internal/listen"
)

// record is what is known of a request beyond what gin keeps. It stands before the writer of the answer, where every handler finds it.
type record struct {
	gin.ResponseWriter

	arrival time.Time
	waited  time.Duration // from the arrival until the process got to the request
	id      string
	quiet   bool      // it is logged at the level debug
	begun   time.Time // the first piece of an answer in several had been written; zero without one
	cut     bool      // the caller has not taken the whole answer
	// Of a call that was made:
	called   bool
	timeout  time.Duration
	attempts []fanout.Attempt
	proxied  *proxiedRecord               // of a request below /proxy/
	watcher  CallWatcher                  // of a call that somebody watches
	trace    func(number int) http.Header // of a call that is traced: what its attempts send
}

// proxiedRecord is what the log and the metrics are told of a request below /proxy/. Its path is not in it: callers may have put
// secrets there.
type proxiedRecord struct {
	api      string // the API's name; empty when the file has none of the name in the path
	route    string // the pattern of its route; empty when none matches
	isCall   bool   // for the metrics: the API has the method
	strategy string
	passed   bool // the answer is the API's
	url      int  // the number of the URL that it came from, from 1; 0: there is only one, or the answer is ours
}

// Unwrap is for http.ResponseController.
func (r *record) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// duration is the time from the arrival until now, or until the beginning of an answer in several pieces: the rest is up to the caller.
func (r *record) duration() time.Duration {
	if !r.begun.IsZero() {
		return r.begun.Sub(r.arrival)
	}
	return time.Since(r.arrival)
}

func recordOf(c *gin.Context) *record { return c.Writer.(*record) } //nolint:forcetypeassert // noteArrival's

func arrival(c *gin.Context) time.Time { return recordOf(c).arrival }

// noteArrival starts the clock of a call, and the record of its request. It runs first.
func noteArrival(c *gin.Context) {
	r, connection := &record{ResponseWriter: c.Writer}, listen.ConnectionOf(c.Request.Context())
	r.arrival, r.waited = connection.Arrival()
	c.Writer = r
	c.Next()
	connection.Answered()
	if r.watcher != nil {
		r.watcher.Answered(c.Writer.Status())
	}
}

// discardBody reads a request's body until the request is answered. net/http would wait for an unread body before it writes the answer.
// It also notices that a caller hangs up only after the body has been read.
func discardBody(c *gin.Context) {
	if c.Request.ContentLength == 0 {
		return
	}
	control, body := http.NewResponseController(c.Writer), c.Request.Body
	if err := control.EnableFullDuplex(); err != nil {
		return // only HTTP/1 has a body in the way
	}
	discarded := make(chan struct{})
	go func() {
		defer close(discarded)
		_, _ = io.Copy(io.Discard, body)
	}()
	defer func() {
		select {
		case <-discarded:
		default:
			_ = control.SetReadDeadline(time.Now()) // ends the read; net/http then closes the connection
			<-discarded
		}
	}()
	c.Next()
}

// closeAfter ends a connection with its answer once the process is to stop, so that callers do not send another call on it; and when
// an HTTP/1.0 request may have a body: net/http does not see one that is chunked, and would take it for the next request (RFC 9112, section 6.1).
func closeAfter(ready func() bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := c.Request
		if !ready() || !r.ProtoAtLeast(1, 1) && r.Method != http.MethodGet && r.Method != http.MethodHead {
			c.Header("Connection", "close")
		}
	}
}

const requestIDHeader = "X-Request-Id"

const requestIDCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+=@-"

// validRequestID tells whether a caller may choose this id. Any other id is replaced, because ids go into headers and logs. A regular
// expression that counts to 128 would take 2 ms of each start.
func validRequestID(id string) bool {
	return id != "" && len(id) <= 128 && strings.Trim(id, requestIDCharacters) == ""
}

// identify gives the request an id, the caller's if that is valid, and echoes it.
func identify(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !validRequestID(id) {
		id = rand.Text()
	}
	recordOf(c).id = id
	c.Header(requestIDHeader, id)
}

func requestID(c *gin.Context) string { return recordOf(c).id }

// secure sets the headers that keep browsers from doing more with an answer than show it. No answer has
// an Access-Control-* header, so a page of another origin cannot read it. With these the answer to a call has eight headers, as many as
// a Go map holds before it grows. A ninth would cost 1.5 KB more for each call, in the map and in net/http's copy of it.
func secure(c *gin.Context) {
	h := c.Writer.Header()
	h["Content-Security-Policy"] = apiPolicy
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	h["X-Content-Type-Options"] = nosniff
	h["X-Frame-Options"] = denied
}

// The values that every answer has. Nobody writes to them.
var (
	// apiPolicy is the content security policy of everything but the console. Those answers are not pages.
	apiPolicy  = []string{"default-src 'none'; frame-ancestors 'none'"}
	sameOrigin = []string{"same-origin"}
	nosniff    = []string{"nosniff"}
	denied     = []string{"DENY"}
)

const testingServerHeader = "Hedgerow-Testing-Server"

// declareBuiltIn says in each answer that the data behind it is made up.
func declareBuiltIn(c *gin.Context) { c.Header(testingServerHeader, "built-in") }

// noteCall adds a call that was made to the record of its request.
func noteCall(c *gin.Context, timeout time.Duration, attempts []fanout.Attempt) {
	r := recordOf(c)
	r.called, r.timeout, r.attempts = true, timeout, attempts
}

// observeCalls hands each call to observe when it has been answered.
func observeCalls(observe func(ObservedCall)) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Next()
		r := recordOf(c)
		observe(ObservedCall{
			Endpoint: c.FullPath(), Status: c.Writer.Status(), Duration: time.Since(r.arrival), Timeout: r.timeout,
		})
	}
}

// observeProxied hands each call to an API of the file to observe when it has been answered.
func observeProxied(observe func(ObservedCall)) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Next()
		r := recordOf(c)
		if r.proxied != nil && r.proxied.isCall {
			observe(ObservedCall{
				Endpoint: r.proxied.api, Status: c.Writer.Status(), Duration: r.duration(), Timeout: r.timeout,
			})
		}
	}
}

// recoverPanics turns a panic of a handler into a 500.
func recoverPanics(logger *slog.Logger) gin.HandlerFunc {
	return gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, panicked any) {
		logger.Error("panic in a handler", "panic", panicked, "request_id", requestID(c), "stack", string(debug.Stack()))
		writeProblem(c, fmt.Errorf("panic: %v", panicked), nil)
	})
}
