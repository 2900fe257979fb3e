package http_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/test/faultserver"
)

func TestTheTraceThatACallerSendsGoesOnToTheAPI(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	s := newService(t, defaults(), answers(1))
	s.do(t, "GET", "/api/all?timeout=20000", "Traceparent", parent, "Tracestate", "a=1", "Tracestate", "b=2", "X-Other", "1")
	s.do(t, "GET", "/api/all?timeout=20000", "Tracestate", "a=1")
	p := newProxied(t, "strategy: first\nattempts: 1", faultserver.JSON(`{}`))
	p.ask(t, "GET /proxy/a/x", "traceparent: "+parent, "tracestate: a=1", "tracestate: b=2")
	sent := []*http.Request{p.upstream.Request(0)}
	for i := range 3 {
		sent = append(sent, s.upstream.Request(i))
		assert.Empty(t, s.upstream.Request(i).Header.Get("X-Other"))
		assert.Empty(t, s.upstream.Request(3+i).Header.Values("Tracestate"), "of no trace")
	}
	for _, request := range sent {
		assert.Equal(t, []string{parent}, request.Header["Traceparent"])
		assert.Equal(t, []string{"a=1", "b=2"}, request.Header["Tracestate"])
	}
}
