package http_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
)

func TestTheTraceThatACallerSendsGoesOnToTheAPI(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	s := newService(t, defaults(), answers(1))
	s.do(t, "GET", "/api/all?timeout=20000", "Traceparent", parent, "Tracestate", "a=1", "Tracestate", "b=2", "X-Other", "1")
	s.do(t, "GET", "/api/all?timeout=20000", "Tracestate", "a=1")
	p := newProxied(t, "strategy: first\nattempts: 1", faultserver.JSON(`{}`))
	p.ask(t, "GET /proxy/a/x", "traceparent: "+parent, "tracestate: a=1", "tracestate: b=2")
	sent := append(make([]*http.Request, 0, 4), p.upstream.Request(0))
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

// tracer is a Tracer whose attempts send their number.
type tracer struct{ goesOn bool }

func (tracer) Fired(fanout.Attempt) {}
func (tracer) Ended(fanout.Attempt) {}
func (tracer) Answered(int)         {}

func (x tracer) Trace() func(number int) http.Header {
	if !x.goesOn {
		return nil
	}
	return func(number int) http.Header { return http.Header{"Traceparent": {strconv.Itoa(number)}} }
}

func TestTheTraceOfACallGoesOnInPlaceOfTheCallers(t *testing.T) {
	for _, goesOn := range []bool{true, false} {
		upstream := faultserver.New(t, faultserver.JSON(`{"time": 1}`))
		logger := slog.New(slog.DiscardHandler)
		apis := gateway.New(parseFile(t, `apis: {a: {url: "`+host(upstream)+`", strategy: all}}`), gateway.Settings{MaxInFlight: 100, Logger: logger})
		s := newService(t, defaults(), faultserver.Answer(1))
		router := newRouter(t, hedgerow.Settings{
			Service: s.fanout, Source: s.client.Fetch, SourceWith: s.client.FetchWith, Producers: 3, MaxTimeout: maxTimeout, Logger: logger,
			Gateway: apis, Buffer: gateway.NewBuffer(1 << 20), Via: forward.NewVia(pseudonym), Ready: func() bool { return true },
			ObserveCall: func(hedgerow.ObservedCall) {},
			Watch:       []func(hedgerow.Beginning) hedgerow.CallWatcher{func(hedgerow.Beginning) hedgerow.CallWatcher { return tracer{goesOn: goesOn} }},
		})
		for target, at := range map[string]*faultserver.Server{"/api/all?timeout=20000": s.upstream, "/proxy/a/x": upstream} {
			request := httptest.NewRequest(http.MethodGet, target, nil)
			request.Header = http.Header{"Traceparent": {"theirs"}, "Tracestate": {"theirs"}, "Hedgerow-Timeout": {"20000"}}
			answer := httptest.NewRecorder()
			router.ServeHTTP(answer, request)
			assert.Equal(t, http.StatusOK, answer.Code)
			want, sent := []string{"theirs", "theirs", "theirs"}, []string{}
			if goesOn {
				want = []string{"0", "1", "2"}
			}
			for i := range at.Requests() {
				sent = append(sent, at.Request(i).Header.Get("Traceparent"))
				assert.Equal(t, !goesOn, at.Request(i).Header.Get("Tracestate") != "")
			}
			assert.ElementsMatch(t, want, sent, target)
		}
		apis.Close()
	}
}
