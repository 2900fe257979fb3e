// Package traces makes spans of calls and of their attempts, and sends them to a collector by OTLP over HTTP. A call that is not sampled
// has none. No call ever waits for the collector.
package traces

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	otelsdk "go.opentelemetry.io/otel/sdk"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"hedgerow/internal/config/otel"
)

// Settings of the traces. They are not checked here: internal/config does.
type Settings struct {
	otel.Traces

	// Version of the build.
	Version string
	// Logger is told of spans that are lost, once a minute for each reason.
	Logger *slog.Logger
	// ObserveExported gets the number of spans that the collector has taken. It must not block.
	ObserveExported func(spans int)
	// ObserveLost gets the number of spans that no collector will ever have. It must not block.
	ObserveLost func(reason Loss, spans int)
}

// Traces makes spans. It is safe for concurrent use.
type Traces struct {
	provider  *sdk.TracerProvider
	tracer    trace.Tracer
	queue     *queue
	propagate bool
}

// New returns what makes spans until End.
func New(s Settings) *Traces {
	q := newQueue(s)
	return start(s, q, newExporter(s, q))
}

func start(s Settings, q *queue, to *exporter) *Traces {
	// What the SDK complains of is a variable that internal/config has warned of, and read in its own way.
	api.SetErrorHandler(api.ErrorHandlerFunc(func(err error) { s.Logger.Debug("the OpenTelemetry SDK complains", "error", err) }))
	provider := sdk.NewTracerProvider(
		sdk.WithSampler(sampler(s.Sampler)), sdk.WithResource(describe(s)),
		sdk.WithSpanProcessor(bounded{q, sdk.NewBatchSpanProcessor(to,
			sdk.WithMaxQueueSize(s.Queue), sdk.WithMaxExportBatchSize(s.Batch), sdk.WithBatchTimeout(s.Delay), sdk.WithExportTimeout(s.Timeout))}),
	)
	return &Traces{provider, provider.Tracer("hedgerow", trace.WithSchemaURL(semconv.SchemaURL)), q, s.Propagate}
}

func sampler(s otel.Sampler) sdk.Sampler {
	root := sdk.TraceIDRatioBased(s.Ratio)
	if s.ByParent {
		return sdk.ParentBased(root)
	}
	return root
}

// describe returns what is said of this process.
func describe(s Settings) *resource.Resource {
	attributes := []attribute.KeyValue{
		semconv.ServiceName("hedgerow"), semconv.ServiceVersion(s.Version), semconv.ServiceInstanceID(uuid.NewString()),
		semconv.TelemetrySDKName("opentelemetry"), semconv.TelemetrySDKLanguageGo, semconv.TelemetrySDKVersion(otelsdk.Version()),
	}
	for _, a := range s.Attributes {
		attributes = append(attributes, attribute.String(a.Name, a.Value))
	}
	if s.ServiceName != "" {
		attributes = append(attributes, semconv.ServiceName(s.ServiceName))
	}
	return resource.NewWithAttributes(semconv.SchemaURL, attributes...) // the last of a name holds
}

// endTimeout is how long End waits for the collector at most: one that stalls must not hold up the end of the process.
const endTimeout = 5 * time.Second

// End sends the spans that wait. It returns when that is done, after five seconds at the latest. No call may begin meanwhile.
func (t *Traces) End() {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what is left in the queue says it
	t.queue.end()
}

// Beginning is a call that is about to be made.
type Beginning struct {
	Request *http.Request
	// ID is the request's.
	ID string
	// API is the name of the API of the file, empty for a call below /api.
	API string
	// Route is the path of a call below /api. Otherwise it is the pattern of the API's route, empty when none matches.
	Route string
	// Strategy is the name of the call's strategy.
	Strategy string
	// Arrival is when the caller asked, Timeout the time for the answer from then on.
	Arrival time.Time
	Timeout time.Duration
}

// Watch begins the span of a call, whose parent is what the caller sent. It returns nil when the call is not sampled.
func (t *Traces) Watch(b Beginning) *Call {
	ctx := context.Background()
	if t.propagate {
		ctx = propagation.TraceContext{}.Extract(ctx, carrier(b.Request.Header))
	}
	method, original := methodOf(b.Request)
	route := b.route()
	ctx, span := t.tracer.Start(ctx, spanName(method)+" "+route, asServer, trace.WithTimestamp(b.Arrival))
	if !span.IsRecording() {
		return nil
	}
	span.SetAttributes(method, semconv.HTTPRoute(route), semconv.URLScheme("http"),
		keyRequestID.String(b.ID), keyStrategy.String(b.Strategy), keyTimeout.Int64(b.Timeout.Milliseconds()))
	span.SetAttributes(original...)
	c := &Call{traces: t, ctx: ctx, span: span, method: method}
	if b.API != "" {
		c.api = []attribute.KeyValue{keyAPI.String(b.API)}
		span.SetAttributes(c.api...)
	}
	return c
}

// route is the call's path with nothing of the caller's own in it.
func (b *Beginning) route() string {
	if b.API == "" {
		return b.Route
	}
	_, path, _ := strings.Cut(b.Route, " ") // the pattern may begin with a method
	if strings.HasPrefix(b.Route, "/") {
		path = b.Route
	}
	return "/proxy/" + b.API + path
}

// carrier is a header as a propagator reads it. Several fields of a name are one list; a traceparent of several is not valid.
type carrier http.Header

// Get is part of propagation.TextMapCarrier.
func (c carrier) Get(name string) string { return strings.Join(http.Header(c).Values(name), ",") }

// Set is part of propagation.TextMapCarrier.
func (c carrier) Set(name, value string) { http.Header(c).Set(name, value) }

// Keys is part of propagation.TextMapCarrier. Nobody asks.
func (c carrier) Keys() []string { return nil }
