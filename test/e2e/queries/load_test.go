package queries

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/contract"
	"hedgerow/test/e2e/harness"
	"hedgerow/test/e2e/redisserver"
	"hedgerow/test/faultserver"
	"hedgerow/test/metricstest"
)

// underLoad returns a Prometheus that has scraped a service before, during and after calls of every kind, and the service's metrics.
func underLoad(t *testing.T) (*prometheus, exposed) {
	t.Helper()
	hang := faultserver.Hang("")
	upstream := faultserver.New(t, append(slices.Repeat([]faultserver.Behaviour{hang}, 9),
		faultserver.Status(http.StatusInternalServerError, ""), faultserver.Answer(1))...) // the last goes on for ever
	h := harness.Start(t, "EXPONEA_URL="+upstream.URL, "HEDGEROW_MAX_IN_FLIGHT=9", "HEDGEROW_LOSER_GRACE=0s", "HEDGEROW_CONFIG="+fileOfAPIs(t),
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", // where nobody listens: spans are counted as lost
		"HEDGEROW_REDIS_URL="+redisserver.New(t).URL())
	server := startPrometheus(t, h.AdminAddr)
	requireScrape(t, server, time.Now())

	// Three calls fill the cap: a fourth is refused. Then two of their callers go away, and the third gets its 504.
	gone, leave := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	callers.Go(func() { call(gone, t, h, "/api/all?timeout=60000") })
	callers.Go(func() { call(gone, t, h, "/api/first?timeout=60000") })
	callers.Go(func() { call(t.Context(), t, h, "/api/first?timeout=2000") })
	upstream.WaitForRequests(t, 9)
	call(t.Context(), t, h, "/api/first?timeout=2000")
	leave()
	callers.Wait()
	require.Eventually(t, func() bool {
		scrape, err := metricstest.Fetch(h.AdminAddr)
		return err == nil && scrape.Sum("hedgerow_attempts_in_flight") == 0
	}, patience, 10*time.Millisecond)

	call(t.Context(), t, h, "/api/smart?timeout=10000") // its first attempt fails, its hedges do not
	for _, path := range contract.Strategies() {
		call(t.Context(), t, h, path+"?timeout=10000")
		call(t.Context(), t, h, path)
	}
	require.Eventually(t, func() bool { // without Redis no hedge goes to an API that has a quota
		scrape, err := metricstest.Fetch(h.AdminAddr)
		return err == nil && scrape.Sum("hedgerow_redis_up") == 1
	}, patience, 10*time.Millisecond)
	call(t.Context(), t, h, "/proxy/shop/work") // as the smart call above
	require.Eventually(t, func() bool {         // more than the quota allows at once
		for range 10 {
			callers.Go(func() { call(t.Context(), t, h, "/proxy/shop/work") })
		}
		callers.Wait()
		scrape, err := metricstest.Fetch(h.AdminAddr)
		return err == nil && scrape.Sum("hedgerow_proxy_quota_waits_total") > 0
	}, patience, time.Millisecond)
	after := metricstest.Get(t, h.AdminAddr)
	for _, status := range []string{"200", "400", "499", "503", "504"} {
		require.Positive(t, after.Sum("hedgerow_calls_total", "status", status), status)
	}
	for _, metric := range []string{"hedgerow_attempts_total", "hedgerow_proxy_attempts_total"} {
		require.Positive(t, after.Sum(metric, "kind", "hedge", "outcome", "won"), h.Log.String())
	}
	requireScrape(t, server, time.Now())
	return server, readExposed(t, h.AdminAddr)
}

// fileOfAPIs writes a file with an API whose first answer is a failure, and that has a quota.
func fileOfAPIs(t *testing.T) string {
	t.Helper()
	shop := faultserver.New(t, faultserver.Status(http.StatusInternalServerError, ""), faultserver.Answer(1))
	file := filepath.Join(t.TempDir(), "apis.yaml")
	text := "apis: {shop: {url: \"" + shop.URL + "\", quota: 5/s, routes: {\"GET /slow\": {timeout: 5s}}}}"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// call makes a call, whatever the answer.
func call(ctx context.Context, t *testing.T, h *harness.Hedgerow, target string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL()+target, nil)
	if assert.NoError(t, err) {
		if response, err := http.DefaultClient.Do(request); err == nil {
			assert.NoError(t, response.Body.Close())
		}
	}
}
