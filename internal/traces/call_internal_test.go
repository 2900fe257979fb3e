package traces

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"hedgerow/internal/config/otel"
	"hedgerow/internal/fanout"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// recorded makes spans that a test reads.
type recorded struct {
	*Traces
	spans *tracetest.SpanRecorder
}

func newRecorded(s otel.Sampler, propagate bool) recorded {
	spans := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSampler(sampler(s)), sdk.WithSpanProcessor(spans))
	return recorded{&Traces{provider: provider, tracer: provider.Tracer("test"), propagate: propagate}, spans}
}

func always() recorded { return newRecorded(otel.Sampler{Ratio: 1, ByParent: true}, true) }

// beginning is a call to the API "shop" with these fields, name by name.
func beginning(fields ...string) Beginning {
	r := &http.Request{Method: http.MethodGet, Header: http.Header{}}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return Beginning{
		Request: r, ID: "id", API: "shop", Route: "GET /search/{what}", Strategy: "smart", Arrival: time.Unix(100, 0), Timeout: 1500 * time.Millisecond,
	}
}

// end ends an attempt after 20 ms.
func end(c *Call, a fanout.Attempt, outcome fanout.Outcome, err error) {
	a.Outcome, a.Err, a.Duration = outcome, err, 20*time.Millisecond
	c.Ended(a)
}

// all returns the attributes of a span as text.
func all(s sdk.ReadOnlySpan) map[string]string { return texts(s.Attributes()) }

func texts(attributes []attribute.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range attributes {
		m[string(a.Key)] = fmt.Sprint(a.Value.AsInterface())
	}
	return m
}

func TestACallHasASpanAndEachAttemptOneBelowIt(t *testing.T) {
	r := always()
	c := r.Watch(beginning("Traceparent", parent, "Tracestate", "a=1", "Tracestate", "b=2"))
	first := fanout.Attempt{Started: time.Unix(100, 0)}
	hedge := fanout.Attempt{Number: 1, Hedge: true, Place: 2, Started: time.Unix(101, 0)}
	c.Fired(first)
	c.Fired(hedge)
	end(c, hedge, fanout.Won, nil)
	c.Answered(http.StatusOK)
	end(c, first, fanout.Cancelled, nil)

	spans := r.spans.Ended()
	require.Len(t, spans, 3)
	won, call, lost := spans[0], spans[1], spans[2]
	assert.Equal(t, "GET /proxy/shop/search/{what}", call.Name())
	assert.Equal(t, trace.SpanKindServer, call.SpanKind())
	assert.Equal(t, map[string]string{
		"http.request.method": "GET", "http.route": "/proxy/shop/search/{what}", "url.scheme": "http", "http.response.status_code": "200",
		"hedgerow.api": "shop", "hedgerow.strategy": "smart", "hedgerow.timeout_ms": "1500", "hedgerow.request_id": "id",
	}, all(call))
	assert.Equal(t, time.Unix(100, 0), call.StartTime())
	assert.Equal(t, "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 true", fmt.Sprint(call.Parent().TraceID(), " ", call.Parent().SpanID(), " ", call.Parent().IsRemote()))
	assert.Equal(t, "a=1,b=2", call.SpanContext().TraceState().String())
	for span, want := range map[sdk.ReadOnlySpan]map[string]string{
		won:  {"hedgerow.attempt.number": "2", "hedgerow.attempt.hedge": "true", "hedgerow.attempt.url": "3", "hedgerow.attempt.outcome": "won"},
		lost: {"hedgerow.attempt.number": "1", "hedgerow.attempt.hedge": "false", "hedgerow.attempt.url": "1", "hedgerow.attempt.outcome": "cancelled"},
	} {
		want["http.request.method"], want["hedgerow.api"] = "GET", "shop"
		assert.Equal(t, want, all(span))
		assert.Equal(t, "GET", span.Name())
		assert.Equal(t, trace.SpanKindClient, span.SpanKind())
		assert.Equal(t, call.SpanContext().SpanID(), span.Parent().SpanID())
		assert.Equal(t, call.SpanContext().TraceID(), span.SpanContext().TraceID())
		assert.Equal(t, 20*time.Millisecond, span.EndTime().Sub(span.StartTime()))
	}
	assert.Equal(t, time.Unix(101, 0), won.StartTime())
}

func TestOnlyFailedAttemptsAndErrorsOfTheServerAreErrors(t *testing.T) {
	status := &fanout.Failure{Reason: fanout.Reason{Kind: "status", Code: 503}}
	refused := &fanout.Failure{Reason: fanout.Reason{Kind: "connection refused"}}
	for _, test := range []struct {
		outcome fanout.Outcome
		err     error
		status  sdk.Status
		why     map[string]string
	}{
		{fanout.Won, nil, sdk.Status{}, nil}, {fanout.Late, nil, sdk.Status{}, nil}, {fanout.Cancelled, nil, sdk.Status{}, nil},
		{fanout.TimedOut, nil, sdk.Status{}, nil}, {fanout.Abandoned, nil, sdk.Status{}, nil},
		{fanout.Failed, status, sdk.Status{Code: codes.Error, Description: "status 503"}, map[string]string{
			"error.type": "503", "http.response.status_code": "503", "hedgerow.attempt.reason": "status 503",
		}},
		{fanout.Failed, refused, sdk.Status{Code: codes.Error, Description: "connection refused"}, map[string]string{
			"error.type": "connection refused", "hedgerow.attempt.reason": "connection refused",
		}},
	} {
		r := always()
		c := r.Watch(beginning())
		c.Fired(fanout.Attempt{})
		end(c, fanout.Attempt{}, test.outcome, test.err)
		span := r.spans.Ended()[0]
		assert.Equal(t, test.status, span.Status(), test.outcome)
		found := all(span)
		assert.Equal(t, string(test.outcome), found["hedgerow.attempt.outcome"])
		for _, key := range []string{"error.type", "http.response.status_code", "hedgerow.attempt.reason"} {
			assert.Equal(t, test.why[key], found[key], "%s of %s", key, test.outcome)
		}
	}
	for status, want := range map[int]codes.Code{200: codes.Unset, 404: codes.Unset, 499: codes.Unset, 500: codes.Error, 504: codes.Error} {
		r := always()
		r.Watch(beginning()).Answered(status)
		assert.Equal(t, want, r.spans.Ended()[0].Status().Code, status)
		assert.Equal(t, want == codes.Error, all(r.spans.Ended()[0])["error.type"] == strconv.Itoa(status))
	}
}

func TestAnAttemptThatIsNotSentIsAnEventOfItsCall(t *testing.T) {
	r := always()
	c := r.Watch(beginning())
	c.Fired(fanout.Attempt{})
	end(c, fanout.Attempt{Number: 1, Hedge: true, Place: 1, Started: time.Unix(101, 0)}, fanout.Refused, &fanout.Failure{Reason: fanout.Reason{Kind: fanout.KindBudget}})
	c.Fired(fanout.Attempt{Number: 2})
	end(c, fanout.Attempt{Number: 2}, fanout.Won, nil)
	end(c, fanout.Attempt{}, fanout.Won, nil)
	c.Answered(http.StatusOK)
	spans := r.spans.Ended()
	require.Len(t, spans, 3)
	require.Len(t, spans[2].Events(), 1)
	event := spans[2].Events()[0]
	assert.Equal(t, "hedgerow.attempt.refused", event.Name)
	assert.Equal(t, time.Unix(101, 0), event.Time)
	assert.Equal(t, map[string]string{
		"hedgerow.attempt.number": "2", "hedgerow.attempt.hedge": "true", "hedgerow.attempt.url": "2", "hedgerow.attempt.reason": "budget",
	}, texts(event.Attributes))
}

func TestTheRouteHasNothingOfTheCallers(t *testing.T) {
	for want, b := range map[string]Beginning{
		"GET /api/first":                    {Route: "/api/first"},
		"GET /proxy/shop":                   {API: "shop"},
		"GET /proxy/shop/x/":                {API: "shop", Route: "/x/"},
		"GET /proxy/shop/orders/{id}/{$}":   {API: "shop", Route: "GET /orders/{id}/{$}"},
		"GET /proxy/shop/with space/{x...}": {API: "shop", Route: "/with space/{x...}"},
	} {
		r := always()
		b.Request = &http.Request{Method: http.MethodGet, RequestURI: "/proxy/shop/s3cret?s3cret"}
		r.Watch(b).Answered(http.StatusOK)
		assert.Equal(t, want, r.spans.Ended()[0].Name())
	}
}

func TestAMethodThatIsNotUsualIsNotInANames(t *testing.T) {
	r := always()
	b := beginning()
	b.Request.Method = "PROPFIND"
	c := r.Watch(b)
	c.Fired(fanout.Attempt{})
	end(c, fanout.Attempt{}, fanout.Won, nil)
	c.Answered(http.StatusMultiStatus)
	attempt, call := r.spans.Ended()[0], r.spans.Ended()[1]
	assert.Equal(t, []string{"HTTP", "HTTP /proxy/shop/search/{what}"}, []string{attempt.Name(), call.Name()})
	assert.Equal(t, "_OTHER", all(attempt)["http.request.method"])
	assert.Equal(t, []string{"_OTHER", "PROPFIND"}, []string{all(call)["http.request.method"], all(call)["http.request.method_original"]})
}
