package upstream_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
	"hedgerow/internal/upstream"
)

func TestReasonsAreThoseOfTheKindOfAttempt(t *testing.T) {
	assert.Contains(t, upstream.Reasons(), fanout.Reason{Kind: "invalid body"})
	assert.NotContains(t, upstream.Reasons(), fanout.Reason{Kind: "condition not met, status", Code: 200})
	assert.Contains(t, upstream.ExchangeReasons(), fanout.Reason{Kind: "condition not met, status", Code: 200})
	assert.Contains(t, upstream.ExchangeReasons(), fanout.Reason{Kind: "condition cannot be evaluated, status", Code: 200})
	assert.Contains(t, upstream.ExchangeReasons(), fanout.Reason{Kind: "no room for the answer"})
	assert.NotContains(t, upstream.ExchangeReasons(), fanout.Reason{Kind: "invalid body"})
}
