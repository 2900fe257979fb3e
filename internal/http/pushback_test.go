package http_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/faultserver"
	hedgerow "hedgerow/internal/http"
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
