package traces

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// unpack reads a request's body.
func unpack(t *testing.T, body []byte) *tracepb.ResourceSpans {
	t.Helper()
	var data tracepb.TracesData
	require.NoError(t, proto.Unmarshal(body, &data))
	require.Len(t, data.GetResourceSpans(), 1)
	return data.GetResourceSpans()[0]
}

func TestASpanIsSentWithAllThatItHas(t *testing.T) {
	state, err := trace.ParseTraceState("a=1,b=2")
	require.NoError(t, err)
	id := trace.SpanContextConfig{TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3}, TraceFlags: trace.FlagsSampled, TraceState: state}
	parent := id
	parent.SpanID, parent.Remote = trace.SpanID{4}, true
	attributes := []attribute.KeyValue{attribute.String("s", "x"), attribute.Int("i", 7), attribute.Bool("b", true)}
	p := packer{}
	body, err := p.pack(tracetest.SpanStubs{{
		Name: "GET /x", SpanContext: trace.NewSpanContext(id), Parent: trace.NewSpanContext(parent), SpanKind: trace.SpanKindServer,
		StartTime: time.Unix(1, 2), EndTime: time.Unix(3, 4), Attributes: attributes,
		Events: []sdk.Event{{Name: "e", Time: time.Unix(2, 0), Attributes: attributes[:1]}}, Status: sdk.Status{Code: codes.Error, Description: "why"},
		DroppedAttributes: 5, DroppedEvents: 6,
		Resource: resource.NewSchemaless(attribute.String("service.name", "n")), InstrumentationScope: instrumentation.Scope{Name: "scope", SchemaURL: "schema"},
	}, {Name: "GET", SpanKind: trace.SpanKindClient}}.Snapshots())
	require.NoError(t, err)
	spans := unpack(t, body)
	text := func(key, value string) *commonpb.KeyValue {
		return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
	}
	assert.True(t, proto.Equal(text("service.name", "n"), spans.GetResource().GetAttributes()[0]))
	scope := spans.GetScopeSpans()[0]
	assert.Equal(t, "scope schema", scope.GetScope().GetName()+" "+scope.GetSchemaUrl())
	traceID, spanID, parentID := [16]byte{1, 2}, [8]byte{3}, [8]byte{4}
	want := &tracepb.Span{
		TraceId: traceID[:], SpanId: spanID[:], ParentSpanId: parentID[:], TraceState: "a=1,b=2", Flags: 0x301, Name: "GET /x",
		Kind: tracepb.Span_SPAN_KIND_SERVER, StartTimeUnixNano: 1_000_000_002, EndTimeUnixNano: 3_000_000_004, DroppedAttributesCount: 5, DroppedEventsCount: 6,
		Attributes: []*commonpb.KeyValue{
			text("s", "x"), {Key: "i", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: 7}}},
			{Key: "b", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: true}}},
		},
		Events: []*tracepb.Span_Event{{Name: "e", TimeUnixNano: 2_000_000_000, Attributes: []*commonpb.KeyValue{text("s", "x")}}},
		Status: &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "why"},
	}
	assert.True(t, proto.Equal(want, scope.GetSpans()[0]), "%v\n%v", want, scope.GetSpans()[0])
	second := scope.GetSpans()[1]
	assert.Empty(t, second.GetParentSpanId())
	assert.Equal(t, tracepb.Span_SPAN_KIND_CLIENT, second.GetKind())
	assert.Equal(t, tracepb.Status_STATUS_CODE_UNSET, second.GetStatus().GetCode())
	assert.EqualValues(t, 0x100, second.GetFlags())
}

func TestARequestIsPackedWhenItIsAskedFor(t *testing.T) {
	spans := tracetest.SpanStubs{{Name: "a"}}.Snapshots()
	plain, err := (&packer{}).pack(spans)
	require.NoError(t, err)
	p := packer{gzip: true}
	for range 2 { // the second uses what the first has made
		packed, err := p.pack(spans)
		require.NoError(t, err)
		reader, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		unpacked, err := io.ReadAll(reader)
		require.NoError(t, err)
		assert.Equal(t, "a", unpack(t, unpacked).GetScopeSpans()[0].GetSpans()[0].GetName())
		assert.Len(t, unpacked, len(plain))
	}
}

func TestTheHeadOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporting(t, answers(http.StatusOK, ""))
		e.export(t)
		assert.Equal(t, "POST http://collector/v1/traces?key=s3cret", e.last.Method+" "+e.last.URL.String())
		assert.Equal(t, http.Header{"Api-Key": {"s3cret"}, "Content-Type": {"application/x-protobuf"}, "User-Agent": {"hedgerow/test"}}, e.last.Header)
		s := settings(t, &told{})
		s.Gzip = true
		assert.Equal(t, []string{"gzip"}, newExporter(s, newQueue(s)).header["Content-Encoding"])
	})
}

func TestAnAnswerSaysHowManySpansWereRejected(t *testing.T) {
	for answer, want := range map[string]int{
		"": 0, "\x0a\x00": 0, "\x0a\x02\x08\x05": 5, "\x12\x01x\x0a\x02\x08\x05": 5, "\x0a\x06\x12\x02hi\x08\x07": 7, // in any order
		"\x0a\x02\x08": 0, "\x0a\x7f": 0, "\x08\x05": 0, "\xff": 0, `{"partialSuccess":{}}`: 0, // not such a message
		"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01": 1 << 20,
	} {
		assert.Equal(t, want, rejectedIn([]byte(answer)), "%q", answer)
	}
	assert.NotPanics(t, func() { rejectedIn(bytes.Repeat([]byte{0x0a}, math.MaxUint16)) })
}
