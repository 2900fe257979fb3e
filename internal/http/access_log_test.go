package http_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
	"hedgerow/test/logtest"
)

func TestOnlyTheLinesOfHealthyCallsAreLeftOut(t *testing.T) {
	attempts := func(outcomes ...fanout.Outcome) scripted {
		s := scripted{answer: fanout.Answer[int64]{Values: []int64{1}}}
		for _, outcome := range outcomes {
			s.answer.Attempts = append(s.answer.Attempts, fanout.Attempt{Outcome: outcome})
		}
		return s
	}
	const target = "/api/first?timeout=1000"
	for name, test := range map[string]struct {
		service scripted
		target  string
		logged  bool
	}{
		"all is well":                   {attempts(fanout.Won, fanout.Running), target, false},
		"an attempt failed":             {attempts(fanout.Won, fanout.Failed), target, true},
		"a hedge was not sent":          {attempts(fanout.Won, fanout.Refused), target, true},
		"an attempt ran at the timeout": {attempts(fanout.Won, fanout.TimedOut), target, true},
		"the call failed":               {scripted{err: fanout.ErrTimedOut}, target, true},
		"the caller has gone":           {scripted{err: fanout.ErrAbandoned}, target, true},
		"no timeout":                    {attempts(), "/api/first", true},
		"nothing is there":              {attempts(), "/nope", true},
		"the console":                   {attempts(), "/", true},
	} {
		for _, sampled := range []bool{false, true} {
			log := &logtest.Log{}
			router := newRouter(t, hedgerow.Settings{
				Service: test.service, Logger: slog.New(slog.NewJSONHandler(log, nil)), LogSample: func() bool { return sampled },
				MaxTimeout: maxTimeout, Ready: func() bool { return true }, ObserveCall: func(hedgerow.ObservedCall) {},
			})
			router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, test.target, nil))
			assert.Equal(t, test.logged || sampled, len(log.Lines("msg", "request")) == 1, "%s, sampled: %t", name, sampled)
		}
	}
}

// gatewayTo returns a router with an API "a" and its log.
func gatewayTo(t *testing.T, upstream *faultserver.Server, more string) (http.Handler, *logtest.Log) {
	t.Helper()
	log := &logtest.Log{}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	apis := gateway.New(parseFile(t, "apis: {a: {url: \""+host(upstream)+"\""+more+"}}"), gateway.Settings{MaxInFlight: 100, Logger: logger})
	t.Cleanup(apis.Close)
	return newRouter(t, hedgerow.Settings{
		Gateway: apis, Buffer: gateway.NewBuffer(1 << 20), Via: forward.NewVia(pseudonym), Logger: logger, MaxTimeout: maxTimeout,
		LogSample: func() bool { return false }, Ready: func() bool { return true }, ObserveCall: func(hedgerow.ObservedCall) {},
	}), log
}

func TestNoLineHasAPathBelowProxyHoweverItIsWritten(t *testing.T) {
	router, log := gatewayTo(t, faultserver.New(t, faultserver.Status(http.StatusOK, "")), "")
	for _, target := range []string{"/proxy/a/s3cret", "http://h/proxy/a/s3cret", "/%70roxy/a/s3cret", "/proxy%2Fa/s3cret"} {
		for _, method := range []string{http.MethodGet, "FOO"} {
			router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, strings.NewReader("")))
		}
	}
	for _, line := range log.Lines("msg", "request") {
		assert.NotContains(t, fmt.Sprint(line), "s3cret")
	}
	assert.Len(t, log.Lines("msg", "request"), 7, "one was healthy")
}

func TestAStatus500OfAnAPIIsNoErrorOfOurs(t *testing.T) {
	router, log := gatewayTo(t, faultserver.New(t, faultserver.Status(http.StatusInternalServerError, "")), "")
	router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/proxy/a/x", strings.NewReader("")))
	lines := log.Lines("status", 500.0)
	require.Len(t, lines, 1)
	assert.Equal(t, "INFO", lines[0]["level"])
}

func TestACallToAnAPIIsHealthyWhateverItIsTold(t *testing.T) {
	for status, logged := range map[int]bool{http.StatusNotFound: false, http.StatusNotImplemented: true} {
		upstream := faultserver.New(t, faultserver.Status(status, ""))
		router, log := gatewayTo(t, upstream, ", success: {status: [4xx, 5xx]}")
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/proxy/a/x", strings.NewReader("")))
		assert.Equal(t, logged, len(log.Lines("msg", "request")) == 1, status)
	}
}
