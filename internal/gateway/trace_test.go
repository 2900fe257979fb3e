package gateway_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/gateway"
)

func TestTheTraceOfAnAttemptTakesThePlaceOfTheCallersAndNotOfTheFiles(t *testing.T) {
	own := http.Header{"Traceparent": {"own"}}
	for settings, test := range map[string]struct {
		trace  func(int) http.Header
		shared []string // what all attempts have
		own    bool
	}{
		"":                          {nil, []string{"theirs"}, false},
		"remove: [X], ":             {func(int) http.Header { return own }, nil, true},
		"set: {Traceparent: file},": {func(int) http.Header { return own }, []string{"file"}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := always(step{status: 200})
			g := start(t, one(settings+"attempts: 1"), s)
			_, _ = g.callBy(t.Context(), t, "a", "GET", "/x", func(c *gateway.Call) {
				c.Request.Header = http.Header{"Traceparent": {"theirs"}, "Tracestate": {"theirs"}}
				c.Trace = test.trace
			})
			request := s.sent[0].request
			assert.Equal(t, test.shared, request.Header["Traceparent"], settings)
			assert.Equal(t, test.trace == nil, request.Header["Tracestate"] != nil, settings)
			if assert.Equal(t, test.own, request.Fields != nil, settings) && test.own {
				assert.Equal(t, own, request.Fields(0))
			}
			g.Close()
		})
	}
}
