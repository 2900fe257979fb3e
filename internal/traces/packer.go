package traces

import (
	"bytes"
	"compress/gzip"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// packer makes the bodies of requests. It is for one goroutine.
type packer struct {
	gzip   bool
	writer *gzip.Writer // takes much memory, and is used again
}

// pack returns the body that has these spans, of which there is one at least. All are of one resource and of one tracer.
func (p *packer) pack(spans []sdk.ReadOnlySpan) ([]byte, error) {
	first := spans[0]
	// On the wire this is an ExportTraceServiceRequest. The package of that one would link gRPC.
	message, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:  &resourcepb.Resource{Attributes: attributesOf(first.Resource().Attributes())},
		SchemaUrl: first.Resource().SchemaURL(),
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope:     &commonpb.InstrumentationScope{Name: first.InstrumentationScope().Name},
			SchemaUrl: first.InstrumentationScope().SchemaURL,
			Spans:     spansOf(spans),
		}},
	}}})
	if err != nil || !p.gzip {
		return message, err
	}
	var packed bytes.Buffer
	if p.writer == nil {
		p.writer = gzip.NewWriter(&packed)
	}
	p.writer.Reset(&packed)
	_, _ = p.writer.Write(message) // to memory: cannot fail
	_ = p.writer.Close()
	return packed.Bytes(), nil
}

func spansOf(spans []sdk.ReadOnlySpan) []*tracepb.Span {
	all := make([]*tracepb.Span, len(spans))
	for i, s := range spans {
		id, parent := s.SpanContext(), s.Parent()
		traceID, spanID, parentID := id.TraceID(), id.SpanID(), parent.SpanID()
		all[i] = &tracepb.Span{
			TraceId: traceID[:], SpanId: spanID[:], TraceState: id.TraceState().String(), Flags: flagsOf(id, parent),
			Name: s.Name(), Kind: kinds[s.SpanKind()], Status: &tracepb.Status{Code: statuses[s.Status().Code], Message: s.Status().Description},
			StartTimeUnixNano: uint64(s.StartTime().UnixNano()), EndTimeUnixNano: uint64(s.EndTime().UnixNano()),
			Attributes: attributesOf(s.Attributes()), DroppedAttributesCount: uint32(s.DroppedAttributes()), //nolint:gosec // a few
			Events: eventsOf(s.Events()), DroppedEventsCount: uint32(s.DroppedEvents()), //nolint:gosec // a few
		}
		if parent.SpanID().IsValid() {
			all[i].ParentSpanId = parentID[:]
		}
	}
	return all
}

var kinds = map[trace.SpanKind]tracepb.Span_SpanKind{
	trace.SpanKindServer: tracepb.Span_SPAN_KIND_SERVER, trace.SpanKindClient: tracepb.Span_SPAN_KIND_CLIENT,
}

var statuses = map[codes.Code]tracepb.Status_StatusCode{codes.Error: tracepb.Status_STATUS_CODE_ERROR}

// flagsOf are a span's flags of W3C Trace Context, and whether its parent is another process's.
func flagsOf(id, parent trace.SpanContext) uint32 {
	flags := uint32(id.TraceFlags()) | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	if parent.IsRemote() {
		flags |= uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
	}
	return flags
}

func eventsOf(events []sdk.Event) []*tracepb.Span_Event {
	all := make([]*tracepb.Span_Event, len(events))
	for i, e := range events {
		all[i] = &tracepb.Span_Event{
			TimeUnixNano: uint64(e.Time.UnixNano()), Name: e.Name, Attributes: attributesOf(e.Attributes),
		}
	}
	return all
}

func attributesOf(attributes []attribute.KeyValue) []*commonpb.KeyValue {
	all := make([]*commonpb.KeyValue, len(attributes))
	for i, a := range attributes {
		value := &commonpb.AnyValue{}
		switch a.Value.Type() {
		case attribute.BOOL:
			value.Value = &commonpb.AnyValue_BoolValue{BoolValue: a.Value.AsBool()}
		case attribute.INT64:
			value.Value = &commonpb.AnyValue_IntValue{IntValue: a.Value.AsInt64()}
		default: // we have none but strings
			value.Value = &commonpb.AnyValue_StringValue{StringValue: a.Value.AsString()}
		}
		all[i] = &commonpb.KeyValue{Key: string(a.Key), Value: value}
	}
	return all
}

// rejectedIn reads out of an ExportTraceServiceResponse how many spans were not taken: rejected_spans (1) in partial_success (1). What
// cannot be read rejects none: the status was a success.
func rejectedIn(answer []byte) int {
	partial, ok := field(answer, protowire.BytesType)
	if !ok {
		return 0
	}
	message, _ := protowire.ConsumeBytes(partial)
	count, ok := field(message, protowire.VarintType)
	if !ok {
		return 0
	}
	rejected, _ := protowire.ConsumeVarint(count)
	return int(min(rejected, 1<<20))
}

// field returns a message from the value of its first field 1 of a type on.
func field(message []byte, of protowire.Type) (value []byte, ok bool) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, false
		}
		message = message[n:]
		n = protowire.ConsumeFieldValue(number, kind, message)
		if n < 0 {
			return nil, false
		}
		if number == 1 && kind == of {
			return message, true
		}
		message = message[n:]
	}
	return nil, false
}
