package http

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"hedgerow/internal/fanout"
)

// Beginning is a call that is about to be made.
type Beginning struct {
	// Request is the caller's, of use until the call has been answered. What is in its path, query and headers may be secret.
	Request *http.Request
	// ID is the request's, as the log has it.
	ID string
	// API is the name of the API of the file, empty for the challenge's.
	API string
	// Route is the pattern of the API's route, empty when none matches. For the challenge's API it is the endpoint's path.
	Route    string
	Strategy string
	// Arrival is when the caller asked, Timeout the time for the answer from then on.
	Arrival time.Time
	Timeout time.Duration
}

// CallWatcher is told what becomes of one call as it happens, on the call's goroutines. It must not block.
type CallWatcher interface {
	fanout.Watcher
	// Answered is told the status once the answer has been written. Losers end afterwards.
	Answered(status int)
}

// Tracer is a CallWatcher whose traces go on to the API.
type Tracer interface {
	CallWatcher
	// Trace returns what gives the fields of W3C Trace Context that an attempt sends in place of the caller's, by its number, when it has
	// been fired. nil: the caller's go on.
	Trace() func(number int) http.Header
}

// watchers pass on what they are told, each in its turn.
type watchers []CallWatcher

func (all watchers) Fired(a fanout.Attempt) {
	for _, w := range all {
		w.Fired(a)
	}
}

func (all watchers) Ended(a fanout.Attempt) {
	for _, w := range all {
		w.Ended(a)
	}
}

func (all watchers) Answered(status int) {
	for _, w := range all {
		w.Answered(status)
	}
}

// watch are those who may watch a call.
type watch []func(Beginning) CallWatcher

// begin returns whoever watches this call, nil when nobody does, and has them told of its answer.
func (all watch) begin(c *gin.Context, b Beginning) fanout.Watcher {
	if len(all) == 0 {
		return nil
	}
	b.Request, b.ID = c.Request, requestID(c)
	var watching watchers
	for _, begin := range all {
		w := begin(b)
		if w == nil {
			continue
		}
		watching = append(watching, w)
		if tracer, ok := w.(Tracer); ok {
			recordOf(c).trace = tracer.Trace()
		}
	}
	switch len(watching) {
	case 0:
		return nil
	case 1:
		recordOf(c).watcher = watching[0]
	default:
		recordOf(c).watcher = watching
	}
	return recordOf(c).watcher
}
