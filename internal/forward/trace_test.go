package forward_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/forward"
)

func TestATraceGoesOnAsItCameAndAStateAloneDoesNot(t *testing.T) {
	header := http.Header{"Accept": {"*/*"}, "Traceparent": {"00-x"}, "Tracestate": {"a=1", "b=2"}}
	assert.Equal(t, http.Header{"Traceparent": {"00-x"}, "Tracestate": {"a=1", "b=2"}}, forward.Trace(header))
	delete(header, "Tracestate")
	assert.Equal(t, http.Header{"Traceparent": {"00-x"}}, forward.Trace(header))
	assert.Nil(t, forward.Trace(http.Header{"Tracestate": {"a=1"}}))
	assert.Nil(t, forward.Trace(nil))

	header["Tracestate"] = []string{"a=1"}
	forward.RemoveTrace(header)
	assert.Equal(t, http.Header{"Accept": {"*/*"}}, header)
}
