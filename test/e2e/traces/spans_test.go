package traces

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// attempt is what the metrics tell attempts apart by.
type attempt struct {
	outcome string
	hedge   bool
}

// spans are those of a test, sorted out.
type spans struct {
	byID     map[string]span
	calls    []span
	statuses map[int64]int   // calls
	attempts map[attempt]int // refused ones too
}

// newSpans checks each span by itself and sorts them out.
func newSpans(t *testing.T, received []span) *spans {
	t.Helper()
	all := &spans{byID: map[string]span{}, statuses: map[int64]int{}, attempts: map[attempt]int{}}
	for _, s := range received {
		_, known := all.byID[s.id] // a map's NotContains goes through all of it
		require.False(t, known)
		all.byID[s.id] = s
		assert.NotContains(t, fmt.Sprint(s.Span), "s3cret", "nothing of a caller's path and query")
		assert.LessOrEqual(t, s.GetStartTimeUnixNano(), s.GetEndTimeUnixNano())
		if s.GetKind() == tracepb.Span_SPAN_KIND_SERVER {
			all.addCall(t, s)
		}
	}
	for _, s := range received {
		if s.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
			all.addAttempt(t, s)
		}
	}
	return all
}

func (all *spans) addCall(t *testing.T, s span) {
	t.Helper()
	status, _ := s.attributes["http.response.status_code"].(int64)
	all.calls = append(all.calls, s)
	all.statuses[status]++
	assertError(t, status >= 500, s)
	assert.Contains(t, []string{
		"GET /api/all", "GET /api/first", "GET /api/within-timeout", "GET /api/smart", "GET /proxy/shop", "GET /proxy/shop/orders/{id}",
	}, s.GetName())
	for _, event := range s.GetEvents() {
		assert.Equal(t, "hedgerow.attempt.refused", event.GetName())
		attributes := read(event.GetAttributes())
		assert.Contains(t, []any{"cap", "wait", "budget"}, attributes["hedgerow.attempt.reason"])
		all.attempts[attempt{"refused", attributes["hedgerow.attempt.hedge"] == true}]++
	}
}

func (all *spans) addAttempt(t *testing.T, s span) {
	t.Helper()
	assert.Equal(t, tracepb.Span_SPAN_KIND_CLIENT, s.GetKind())
	call, ok := all.byID[s.parent]
	require.True(t, ok, "the span of its call is its parent")
	assert.Equal(t, call.trace, s.trace)
	assert.Equal(t, call.attributes["hedgerow.api"], s.attributes["hedgerow.api"])
	assert.GreaterOrEqual(t, s.GetStartTimeUnixNano(), call.GetStartTimeUnixNano())
	outcome, _ := s.attributes["hedgerow.attempt.outcome"].(string)
	all.attempts[attempt{outcome, s.attributes["hedgerow.attempt.hedge"] == true}]++
	assertError(t, outcome == "failed", s)
	urls := []any{int64(1)}
	if s.attributes["hedgerow.api"] != nil {
		urls = append(urls, int64(2))
	}
	assert.Contains(t, urls, s.attributes["hedgerow.attempt.url"])
}

// sum is the number of attempts.
func (all *spans) sum() (n int) {
	for _, count := range all.attempts {
		n += count
	}
	return n
}

func assertError(t *testing.T, want bool, s span) {
	t.Helper()
	if want {
		assert.Equal(t, tracepb.Status_STATUS_CODE_ERROR, s.GetStatus().GetCode(), s)
		assert.NotEmpty(t, s.attributes["error.type"])
		return
	}
	assert.Equal(t, tracepb.Status_STATUS_CODE_UNSET, s.GetStatus().GetCode(), s)
	assert.Nil(t, s.attributes["error.type"])
}
