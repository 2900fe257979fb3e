package forward

import "net/http"

// The fields of W3C Trace Context.
const (
	traceparent = "Traceparent"
	tracestate  = "Tracestate"
)

// Trace returns the fields by which a request takes part in a trace, as they are. It is nil without any: a state alone is of no trace.
func Trace(header http.Header) http.Header {
	parent, ok := header[traceparent]
	if !ok {
		return nil
	}
	trace := http.Header{traceparent: parent}
	if state, ok := header[tracestate]; ok {
		trace[tracestate] = state
	}
	return trace
}

// RemoveTrace removes these fields.
func RemoveTrace(header http.Header) {
	delete(header, traceparent)
	delete(header, tracestate)
}
