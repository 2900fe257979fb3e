package http

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/render"

	"hedgerow/internal/fanout"
)

// StatusClientClosedRequest is nginx's status for a caller that has gone away. It is there for the log and the metrics: nobody is
// left to receive it, unless a caller has closed only its sending side, which net/http takes for gone.
const StatusClientClosedRequest = 499

// Statuses returns those that a call may be answered with.
func Statuses() []int {
	return []int{
		http.StatusOK, http.StatusBadRequest, StatusClientClosedRequest, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}
}

var (
	errNotFound         = errors.New("there is nothing at this path; the API's console is at /")
	errMethodNotAllowed = errors.New("this path does not have this method; see the header Allow")
	errNotReady         = errors.New("shutting down")
)

// errorStatus is the one place where errors become statuses.
func errorStatus(err error) (status int, detail string) {
	var timeout *timeoutError
	switch {
	case errors.As(err, &timeout):
		return http.StatusBadRequest, timeout.Error()
	case errors.Is(err, errNotFound):
		return http.StatusNotFound, err.Error()
	case errors.Is(err, errMethodNotAllowed):
		return http.StatusMethodNotAllowed, err.Error()
	case errors.Is(err, fanout.ErrAbandoned):
		return StatusClientClosedRequest, err.Error()
	case errors.Is(err, fanout.ErrFailed):
		return http.StatusBadGateway, "all attempts at the upstream API failed"
	case errors.Is(err, fanout.ErrRefused):
		return http.StatusServiceUnavailable, "more calls than can be answered in time, try again later"
	case errors.Is(err, errNotReady):
		return http.StatusServiceUnavailable, err.Error()
	case errors.Is(err, fanout.ErrTimedOut):
		return http.StatusGatewayTimeout, "no answer from the upstream API within the timeout"
	}
	return http.StatusInternalServerError, "internal error"
}

// writeProblem answers with err as problem details. attempts are shown with the statuses 502 and 504.
func writeProblem(c *gin.Context, err error, attempts []fanout.Attempt) {
	status, detail := errorStatus(err)
	title := http.StatusText(status)
	if status == StatusClientClosedRequest {
		title = "Client Closed Request"
	}
	p := Problem{
		Type: "about:blank", Title: title, Status: status,
		Detail: detail, Error: detail, RequestID: requestID(c),
	}
	if status == http.StatusBadGateway || status == http.StatusGatewayTimeout {
		p.Attempts = reports(attempts)
	}
	c.Abort()
	c.Header("Cache-Control", "no-store")
	c.Render(status, problemJSON{render.JSON{Data: p}})
}

// problemJSON is JSON with the media type of RFC 9457.
type problemJSON struct{ render.JSON }

func (p problemJSON) Render(w http.ResponseWriter) error {
	p.WriteContentType(w)
	return p.JSON.Render(w)
}

func (problemJSON) WriteContentType(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
}
