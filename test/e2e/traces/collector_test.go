package traces

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// span is one that has been received, with its attributes as they are.
type span struct {
	*tracepb.Span

	id, parent, trace string
	attributes        map[string]any
}

// collector receives spans by OTLP over HTTP, in the messages of OpenTelemetry's own package.
type collector struct {
	t    *testing.T
	addr string

	mu       sync.Mutex
	server   *httptest.Server // nil while it is down
	stalled  chan struct{}    // closed when it goes on; nil while it does
	resource map[string]any
	spans    []span
}

// newCollector starts one, which lives until the test ends.
func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{t: t, addr: "127.0.0.1:0"}
	c.start()
	t.Cleanup(func() { c.goOn(); c.kill() })
	return c
}

// start has it listen where it listened before.
func (c *collector) start() {
	listener, err := net.Listen("tcp", c.addr)
	require.NoError(c.t, err)
	c.addr = listener.Addr().String()
	server := httptest.NewUnstartedServer(c)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = server
}

// kill ends it and its connections.
func (c *collector) kill() {
	c.mu.Lock()
	server := c.server
	c.server = nil
	c.mu.Unlock()
	if server != nil {
		server.CloseClientConnections()
		server.Close()
	}
}

// stall has it answer nothing more until goOn.
func (c *collector) stall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = make(chan struct{})
}

func (c *collector) goOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stalled != nil {
		close(c.stalled)
		c.stalled = nil
	}
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	stalled := c.stalled
	c.mu.Unlock()
	if stalled != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-stalled:
		case <-r.Context().Done():
		}
		return // without an answer of use
	}
	assert.Equal(c.t, "POST /v1/traces application/x-protobuf gzip", r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("Content-Encoding"))
	reader, err := gzip.NewReader(r.Body)
	if !assert.NoError(c.t, err) {
		return
	}
	body, err := io.ReadAll(reader)
	var message tracepb.TracesData // on the wire it is an ExportTraceServiceRequest, whose package needs gRPC
	if !assert.NoError(c.t, err) || !assert.NoError(c.t, proto.Unmarshal(body, &message)) {
		return
	}
	c.keep(&message)
	w.Header().Set("Content-Type", "application/x-protobuf") // an ExportTraceServiceResponse without a field has no bytes
}

func (c *collector) keep(message *tracepb.TracesData) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range message.GetResourceSpans() {
		c.resource = read(of.GetResource().GetAttributes())
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, span{s, string(s.GetSpanId()), string(s.GetParentSpanId()), string(s.GetTraceId()), read(s.GetAttributes())})
			}
		}
	}
}

// received are the spans so far.
func (c *collector) received() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]span{}, c.spans...)
}

func read(attributes []*commonpb.KeyValue) map[string]any {
	m := map[string]any{}
	for _, a := range attributes {
		switch value := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			m[a.GetKey()] = value.StringValue
		case *commonpb.AnyValue_IntValue:
			m[a.GetKey()] = value.IntValue
		case *commonpb.AnyValue_BoolValue:
			m[a.GetKey()] = value.BoolValue
		}
	}
	return m
}
