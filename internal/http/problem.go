package http

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/render"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
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

// ProxyStatuses returns those that Hedgerow itself may answer a call below /proxy/ with. The API's own may be any.
func ProxyStatuses() []int {
	return append(Statuses(), http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusLoopDetected)
}

var (
	errNotFound         = errors.New("there is nothing at this path; the API's console is at /")
	errMethodNotAllowed = errors.New("this path does not have this method; see the header Allow")
	errNotReady         = errors.New("shutting down")
	errUnknownAPI       = errors.New("the file of APIs names no API like the one in this path")
	errLoop             = errors.New("the request has come through this service before: it goes round in a circle")
	errHeadOfArray      = errors.New("HEAD has no answer by a strategy that answers with an array")
	errBodyTooLarge     = errors.New("the request's body is larger than max_request_body")
	errBodySlow         = errors.New("the request's body has not come within the timeout")
	errBodyCut          = errors.New("the request's body is broken or ends before its end")
	errBuffersFull      = errors.New("the bodies held at a time leave no room for this one, try again later")
)

// statuses are those of errors whose text is the detail.
var statuses = map[error]int{
	errNotFound: http.StatusNotFound, errMethodNotAllowed: http.StatusMethodNotAllowed, errNotReady: http.StatusServiceUnavailable,
	errUnknownAPI: http.StatusNotFound, errLoop: http.StatusLoopDetected, errHeadOfArray: http.StatusBadRequest,
	errBodyTooLarge: http.StatusRequestEntityTooLarge, errBodySlow: http.StatusRequestTimeout, errBodyCut: http.StatusBadRequest,
	errBuffersFull: http.StatusServiceUnavailable, fanout.ErrAbandoned: StatusClientClosedRequest,
	forward.ErrNoAPI: http.StatusNotFound, forward.ErrForm: http.StatusBadRequest, forward.ErrPath: http.StatusBadRequest,
	forward.ErrSegment: http.StatusBadRequest, forward.ErrQuery: http.StatusBadRequest,
}

// errorStatus is the one place where errors become statuses.
func errorStatus(err error) (status int, detail string) {
	var timeout *timeoutError
	var control *controlError
	var refused *fanout.RefusedError
	switch {
	case errors.As(err, &timeout):
		return http.StatusBadRequest, timeout.Error()
	case errors.As(err, &control):
		return http.StatusBadRequest, control.Error()
	case errors.Is(err, fanout.ErrFailed):
		return http.StatusBadGateway, "all attempts at the upstream API failed"
	case errors.As(err, &refused) && refused.Kind == fanout.KindQuota:
		return http.StatusServiceUnavailable, "the quota of requests to the upstream API is used up, try again later"
	case errors.Is(err, fanout.ErrRefused):
		return http.StatusServiceUnavailable, "more calls than can be answered in time, try again later"
	case errors.Is(err, fanout.ErrTimedOut):
		return http.StatusGatewayTimeout, "no answer from the upstream API within the timeout"
	}
	if status, ok := statuses[err]; ok {
		return status, err.Error()
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
