package http_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
)

func TestSmartSendsNoHedgesToAnUpstreamThatHasAskedToWait(t *testing.T) {
	for _, status := range []int{429, 503} {
		s := newService(t, defaults(), faultserver.Status(status, "", "Retry-After: 30"), answers(2))
		p := problem(t, s.get(t, "/api/smart?timeout=60000"), http.StatusBadGateway)
		assert.Equal(t, []string{"failed", "refused", "refused"}, outcomesOf(p))
		assert.Equal(t, fmt.Sprint("status ", status), p.Attempts[0].Reason)
		for _, hedge := range p.Attempts[1:] {
			assert.Equal(t, hedgerow.AttemptReport{Outcome: "refused", Reason: "the upstream API asked to wait"}, hedge)
		}
		assert.Equal(t, 1, s.upstream.Requests())
		assert.Equal(t, `{"time":2}`, s.get(t, "/api/smart?timeout=60000").body, "first attempts still go")
		assert.Equal(t, `[{"time":2},{"time":2},{"time":2}]`, s.get(t, "/api/all?timeout=60000").body)
		assert.Equal(t, 5, s.upstream.Requests())
	}
	s := newService(t, defaults(), faultserver.Status(503, ""), fails, answers(3))
	assert.Equal(t, `{"time":3}`, s.get(t, "/api/smart?timeout=60000").body, "without the header the hedges go")
}

func TestACallRefusedWhileTheUpstreamHasAskedToWaitIsToldToWaitAsLong(t *testing.T) {
	settings := defaults()
	settings.MaxInFlight = 1
	s := newService(t, settings, faultserver.Status(429, "", "Retry-After: 20"))
	problem(t, s.get(t, "/api/smart?timeout=60000"), http.StatusBadGateway)
	a := s.get(t, "/api/first?timeout=60000") // three attempts find no room
	problem(t, a, http.StatusServiceUnavailable)
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	require.NoError(t, err)
	assert.LessOrEqual(t, seconds, 20)
	assert.Greater(t, seconds, 10, "what is left of 20 s is asked for within a moment")
	assert.Equal(t, 1, s.upstream.Requests())
}
