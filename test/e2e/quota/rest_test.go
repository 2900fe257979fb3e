package quota

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/redisserver"
)

// rights are what OPERATIONS.md says that a user of Redis needs.
const rights = `~hedgerow:replicas ~hedgerow:quota:* &hedgerow:rests:3 +eval +evalsha +ping +publish +select +subscribe +zrem
	+expire +get +set +time +zadd +zcard +zremrangebyscore`

func TestTheTimeThatTheAPIAsksOneReplicaForKeepsTheHedgesOfAllAway(t *testing.T) {
	a := &api{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			w.Header().Set("Retry-After", "3600") // which counts as 30 s
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))}
	t.Cleanup(a.Close)
	redis := redisserver.New(t, append([]string{"--user", "app", "on", ">hunter2"}, strings.Fields(rights)...)...)
	r := start(t, 3, a, "attempts: 3, hedge: {budget: off}", "HEDGEROW_REDIS_URL=redis://app:hunter2@"+redis.Addr+"/3")
	r.await(t, "hedgerow_replicas", 3)
	for replica := range r.all {
		assert.Equal(t, "3", r.requests(t, replica, "free/fails"))
	}
	assert.Equal(t, "1", r.requests(t, 0, "free/busy"))
	for replica := range r.all {
		require.Eventually(t, func() bool { return r.requests(t, replica, "free/fails") == "1" }, 10*time.Second, 10*time.Millisecond, replica)
		assert.Equal(t, "3", r.requests(t, replica, "bounded/fails"), "the other API has not asked")
		assert.NotContains(t, r.all[replica].Log.String(), "NOPERM")
	}
}

// requests is how many requests a call has made to its API.
func (r *replicas) requests(t *testing.T, replica int, target string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.all[replica].URL()+"/proxy/"+target, nil)
	require.NoError(t, err)
	response, err := r.client.Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	return response.Header.Get("Hedgerow-Requests")
}
