package compose

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/test/metricstest"
)

func TestThreeReplicasKeepToOneQuotaThroughRedis(t *testing.T) {
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apis: {testing: {url: \"${TESTSERVER_URL}\", quota: 1/h, attempts: 1, timeout: 10s}}"), 0o644))
	withEachCompose(t, func(t *testing.T, p *project) {
		p.run(t, "--profile=replicas", "up", "--detach", "--no-build", "--scale=api=3")
		replicas := p.containers(t, "api")
		require.Len(t, replicas, 3)
		assertConfined(t, p.containers(t, "redis")[0], 65532)
		for _, replica := range replicas {
			eventually(t, 30*time.Second, "a replica shares the quota with two others", func() bool {
				return replica.metric(t, "hedgerow_redis_up") == 1 && replica.metric(t, "hedgerow_replicas") == 3
			})
		}
		answered := func(i int) bool {
			status, _, _, err := get("http://" + replicas[i%3].ip() + ":5000/proxy/testing/api/work")
			require.NoError(t, err)
			return status == http.StatusOK
		}
		calls := 0
		eventually(t, 30*time.Second, "one call may come at once", func() bool {
			calls++
			return answered(calls)
		})
		for range 30 {
			calls++
			require.False(t, answered(calls), "the next may come an hour later")
		}
	}, "HEDGEROW_REDIS_URL=redis://redis:6379", "APIS_FILE="+file, "HEDGEROW_TESTSERVER_FAIL=0")
}

// metric is one of a container's metrics, -1 while nobody listens.
func (c container) metric(t *testing.T, name string) float64 {
	t.Helper()
	scrape, err := metricstest.Fetch(c.ip() + ":5001")
	if err != nil {
		return -1
	}
	return scrape.Sum(name)
}
