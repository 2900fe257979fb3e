package upstream_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/upstream"
	"hedgerow/test/faultserver"
)

func byNumber(number int) http.Header { return http.Header{"X-Own": {strconv.Itoa(number)}} }

func TestTheAttemptsOfACallCanHaveFieldsOfTheirOwn(t *testing.T) {
	server := faultserver.New(t, faultserver.Answer(1))
	client := newClient(t, server.URL)
	for i, fetch := range []fanout.Source[int64]{client.FetchWith(byNumber), client.FetchWith(byNumber), client.Fetch} {
		_, err := fetch(t.Context(), fanout.Attempt{Number: i})
		require.NoError(t, err)
		assert.Equal(t, "application/json", server.Request(i).Header.Get("Accept"))
		assert.Equal(t, []string{"0", "1", ""}[i], server.Request(i).Header.Get("X-Own"))
	}
	target, err := forward.ParseTarget("/proxy/a/x")
	require.NoError(t, err)
	request := &upstream.Request{Method: http.MethodGet, Target: target, Header: http.Header{}, Fields: byNumber, MaxBody: 1 << 10, Repeatable: true}
	for number := range 2 {
		_, err := client.Exchange(t.Context(), 0, fanout.Attempt{Number: number}, request)
		require.NoError(t, err)
		assert.Equal(t, strconv.Itoa(number), server.Request(3+number).Header.Get("X-Own"))
	}
}
