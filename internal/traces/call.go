package traces

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"hedgerow/internal/fanout"
)

// The names of what is our own in spans.
const (
	keyAPI       = attribute.Key("hedgerow.api")
	keyStrategy  = attribute.Key("hedgerow.strategy")
	keyTimeout   = attribute.Key("hedgerow.timeout_ms")
	keyRequestID = attribute.Key("hedgerow.request_id")

	keyNumber  = attribute.Key("hedgerow.attempt.number") // from 1
	keyHedge   = attribute.Key("hedgerow.attempt.hedge")
	keyURL     = attribute.Key("hedgerow.attempt.url") // its number in the file, from 1
	keyOutcome = attribute.Key("hedgerow.attempt.outcome")
	keyReason  = attribute.Key("hedgerow.attempt.reason")

	eventRefused = "hedgerow.attempt.refused"
)

var (
	asServer = trace.WithSpanKind(trace.SpanKindServer)
	asClient = trace.WithSpanKind(trace.SpanKindClient)
)

// Call makes the spans of one call: its own, and one of each attempt that is made. It is a fanout.Watcher, safe for concurrent use.
type Call struct {
	traces *Traces
	ctx    context.Context //nolint:containedctx // has the span, as the SDK wants it
	span   trace.Span
	method attribute.KeyValue
	api    []attribute.KeyValue // the attribute, if there is one

	mu       sync.Mutex
	attempts []trace.Span // by number; nil for those refused
}

// Fired begins the span of an attempt.
func (c *Call) Fired(a fanout.Attempt) {
	attributes := append([]attribute.KeyValue{c.method, keyNumber.Int(a.Number + 1), keyHedge.Bool(a.Hedge), keyURL.Int(a.Place + 1)}, c.api...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempts = append(c.attempts, make([]trace.Span, max(0, a.Number+1-len(c.attempts)))...)
	_, c.attempts[a.Number] = c.traces.tracer.Start(c.ctx, spanName(c.method), asClient, trace.WithTimestamp(a.Started), trace.WithAttributes(attributes...)) //nolint:spancheck // Ended ends it
}

// Ended ends the span of an attempt. Only a failed one is an error: a loser that was cut has done nothing wrong. One that was refused is an
// event of the call.
func (c *Call) Ended(a fanout.Attempt) {
	reason := keyReason.String(a.Reason().String())
	if a.Outcome == fanout.Refused {
		c.span.AddEvent(eventRefused, trace.WithTimestamp(a.Started),
			trace.WithAttributes(keyNumber.Int(a.Number+1), keyHedge.Bool(a.Hedge), keyURL.Int(a.Place+1), reason))
		return
	}
	span := c.attempt(a.Number)
	span.SetAttributes(keyOutcome.String(string(a.Outcome)))
	if a.Outcome == fanout.Failed {
		span.SetAttributes(reason)
		span.SetAttributes(errorOf(a.Reason())...)
		span.SetStatus(codes.Error, a.Reason().String())
	}
	span.End(trace.WithTimestamp(a.Started.Add(a.Duration)))
}

// attempt is the span of an attempt that was fired.
func (c *Call) attempt(number int) trace.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attempts[number]
}

// errorOf says in the words of HTTP why an attempt has failed. A reason's code is the status of the API's answer.
func errorOf(r fanout.Reason) []attribute.KeyValue {
	if r.Code == 0 {
		return []attribute.KeyValue{semconv.ErrorTypeKey.String(r.String())}
	}
	return []attribute.KeyValue{semconv.ErrorTypeKey.String(strconv.Itoa(r.Code)), semconv.HTTPResponseStatusCode(r.Code)}
}

// Trace returns what gives the fields by which the API's spans become children of an attempt's, by the attempt's number, when it has been
// fired. It is nil without propagation.
func (c *Call) Trace() func(number int) http.Header {
	if !c.traces.propagate {
		return nil
	}
	return c.fields
}

func (c *Call) fields(number int) http.Header {
	fields := http.Header{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(context.Background(), c.attempt(number)), carrier(fields))
	return fields
}

// Answered ends the call's span. Losers may still run.
func (c *Call) Answered(status int) {
	c.span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if status >= http.StatusInternalServerError {
		c.span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
		c.span.SetStatus(codes.Error, "")
	}
	c.span.End()
}

// methods are those that spans have by name. Others are not for names, of which there should be few.
var methods = []string{
	http.MethodConnect, http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPatch, http.MethodPost,
	http.MethodPut, http.MethodTrace, "QUERY",
}

// methodOf is a request's method as spans have it, and what it really is when that is something else.
func methodOf(r *http.Request) (method attribute.KeyValue, original []attribute.KeyValue) {
	if slices.Contains(methods, r.Method) {
		return semconv.HTTPRequestMethodKey.String(r.Method), nil
	}
	return semconv.HTTPRequestMethodOther, []attribute.KeyValue{semconv.HTTPRequestMethodOriginal(r.Method)}
}

// spanName is how the name of a span with this method begins.
func spanName(method attribute.KeyValue) string {
	if method == semconv.HTTPRequestMethodOther {
		return "HTTP"
	}
	return method.Value.AsString()
}
