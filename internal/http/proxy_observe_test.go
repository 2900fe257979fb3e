package http_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
	"hedgerow/test/logtest"
)

func TestCallsToAnAPIAreObservedByItsNameAndRequestsThatAreNoCallsAreNot(t *testing.T) {
	upstream := faultserver.New(t, faultserver.Status(http.StatusNotFound, ""))
	log := &logtest.Log{}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	apis := gateway.New(parseFile(t, "apis:\n  a:\n    url: "+host(upstream)+"\n    methods: [GET, PROPFIND]\n"), gateway.Settings{
		MaxInFlight: 100, Logger: logger,
	})
	t.Cleanup(apis.Close)
	var observed []string
	router := newRouter(t, hedgerow.Settings{
		Gateway: apis, Buffer: gateway.NewBuffer(1 << 20), Via: forward.NewVia(pseudonym), Logger: logger, MaxTimeout: maxTimeout,
		Ready:       func() bool { return true },
		ObserveCall: func(hedgerow.ObservedCall) { t.Error("not a call of /api/") },
		ObserveProxied: func(call hedgerow.ObservedCall) {
			observed = append(observed, fmt.Sprint(call.Endpoint, " ", call.Status, " ", call.Timeout))
			assert.Less(t, call.Duration, time.Minute)
		},
	})
	for _, ask := range []struct{ method, target, timeout string }{
		{"GET", "/proxy/a/5ecret", "20000"}, {"PROPFIND", "/proxy/a/5ecret", "30000"}, {"GET", "/proxy/a/5ecret", "x"},
		{"POST", "/proxy/a/5ecret", "1"}, {"OPTIONS", "/proxy/a/5ecret", "1"}, {"GET", "/proxy/5ecret/x", "1"},
		{"GET", "/proxy/a/5ecret/..", "1"}, {"PROPPATCH", "/proxy/a/5ecret", "1"}, {"PROPPATCH", "/proxy/5ecret/x", "1"},
	} {
		request := httptest.NewRequest(ask.method, ask.target, nil)
		request.Header.Set("Hedgerow-Timeout", ask.timeout)
		router.ServeHTTP(httptest.NewRecorder(), request)
	}
	assert.Equal(t, []string{"a 404 20s", "a 404 30s", "a 400 0s"}, observed)
	assert.NotContains(t, log.String(), "5ecret")
	assert.NotContains(t, log.String(), `"route"`, "no route matches")
}

func TestACallWhoseHandlerPanicsIsObservedAsTheErrorThatItBecomes(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	apis := gateway.New(parseFile(t, "apis:\n  a: {url: http://127.0.0.1:1}\n"), gateway.Settings{MaxInFlight: 100, Logger: logger})
	t.Cleanup(apis.Close)
	var observed []int
	router := newRouter(t, hedgerow.Settings{
		Gateway: apis, Logger: logger, MaxTimeout: maxTimeout, // without a buffer, which a body needs
		Ready:          func() bool { return true },
		ObserveCall:    func(hedgerow.ObservedCall) {},
		ObserveProxied: func(call hedgerow.ObservedCall) { observed = append(observed, call.Status) },
	})
	router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/proxy/a/x", strings.NewReader("x")))
	assert.Equal(t, []int{http.StatusInternalServerError}, observed)
}
