package quota

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/redisserver"
)

const (
	lost = "Redis cannot be used: this replica keeps to its share of each quota, and nothing of it is spared for hedges"
	back = "Redis answers: quotas are shared"
)

// redis is a Redis, and the network before it.
type redis struct {
	*redisserver.Server

	network *toxiproxy.Proxy
}

func newRedis(t *testing.T) redis {
	t.Helper()
	r := redisserver.New(t)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	network := toxiproxy.NewProxy(server, "redis", "127.0.0.1:0", r.Addr)
	require.NoError(t, network.Start())
	t.Cleanup(network.Stop)
	return redis{r, network}
}

// troubles are what may become of Redis, and how it ends.
var troubles = map[string]struct{ begin, end func(t *testing.T, r redis) }{
	"killed and started again, empty": {func(_ *testing.T, r redis) { r.Kill() }, func(t *testing.T, r redis) { r.Start(t) }},
	"stalled":                         {func(t *testing.T, r redis) { r.Stall(t) }, func(t *testing.T, r redis) { r.GoOn(t) }},
	"full":                            {func(t *testing.T, r redis) { r.Tell(t, "CONFIG SET maxmemory 1") }, func(t *testing.T, r redis) { r.Tell(t, "CONFIG SET maxmemory 0") }},
	"two seconds away": {func(t *testing.T, r redis) {
		_, err := r.network.Toxics.AddToxicJson(strings.NewReader(`{"name":"far","type":"latency","attributes":{"latency":2000}}`))
		require.NoError(t, err)
	}, func(t *testing.T, r redis) {
		require.NoError(t, r.network.Toxics.RemoveToxic(context.Background(), "far"))
	}},
}

func TestTroubleWithRedisCostsNoCallAndTheQuotaIsKeptByLocalShares(t *testing.T) {
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time it waits
			a := newAPI(t, 0)
			redis := newRedis(t)
			r := start(t, 3, a, "attempts: 1", "HEDGEROW_REDIS_URL=redis://"+redis.network.Listen)
			r.await(t, "hedgerow_replicas", 3)
			troubled := 0
			inTrouble := func(calls int, lasting time.Duration, kinds ...kind) (ill, again answers) {
				trouble.begin(t, redis)
				ill = r.offer(t, calls, lasting, kinds...)
				r.await(t, "hedgerow_redis_up", 0)
				trouble.end(t, redis)
				troubled++
				again = r.offer(t, calls, lasting, kinds...)
				r.await(t, "hedgerow_redis_up", 1)
				return ill, again
			}
			try(t, func() error { // below the quota, and beside it calls that none bounds
				well := r.offer(t, 120, measured, smart, kind{"free", "smart"})
				ill, again := inTrouble(120, measured, smart, kind{"free", "smart"})
				return errors.Join(costs(t, "before", well), costs(t, "in trouble", ill), costs(t, "afterwards", again))
			})
			try(t, func() error { // above it
				ill, again := inTrouble(200, warm+measured, smart)
				return errors.Join(a.keeps(t, "in trouble", ill), a.keeps(t, "afterwards", again))
			})
			for _, h := range r.all {
				told := len(h.Log.Lines("msg", lost))
				assert.GreaterOrEqual(t, told, troubled)
				assert.LessOrEqual(t, told, 2*troubled, "once each time, or twice on a machine that stalls")
				require.Eventually(t, func() bool { return len(h.Log.Lines("msg", back)) == told+1 }, 10*time.Second, 10*time.Millisecond, "a second after it is back")
			}
		})
	}
}

// costs is what is wrong when a call fails, or those with a quota take longer than those without.
func costs(t *testing.T, when string, all answers) error {
	t.Helper()
	bounded, free := all.at("bounded"), all.at("free")
	t.Logf("%s p99 %v, and %v without a quota", when, bounded.p99(), free.p99())
	if failed := len(all) - all.with(http.StatusOK); failed > 0 {
		return fmt.Errorf("%s %d calls fail", when, failed)
	}
	if over := bounded.p99() - free.p99(); over > 5*time.Millisecond {
		return fmt.Errorf("%s p99 is %v up", when, over)
	}
	return nil
}

// keeps is what is wrong when the API does not get its quota.
func (a *api) keeps(t *testing.T, when string, all answers) error {
	t.Helper()
	from := all[0].began.Add(warm)
	n, quota := a.between(from, from.Add(measured)), perSecond*int(measured.Seconds())
	t.Logf("%s %d requests", when, n)
	if n < quota*90/100 || n > quota*110/100 {
		return fmt.Errorf("%s %d requests, not within 10 %% of %d", when, n, quota)
	}
	return nil
}

func TestAStartDoesNotNeedRedis(t *testing.T) {
	redis := newRedis(t)
	redis.Kill()
	a := newAPI(t, 0)
	r := start(t, 2, a, "attempts: 1", "HEDGEROW_REDIS_URL=redis://me:hunter2@"+redis.network.Listen)
	assert.Equal(t, 20, r.offer(t, 20, time.Second, smart).with(http.StatusOK))
	r.await(t, "hedgerow_redis_up", 0)
	for _, h := range r.all {
		h.Log.Wait(t, "msg", lost)
		assert.Len(t, h.Log.Lines("msg", lost), 1)
		assert.NotContains(t, h.Log.String(), "hunter2")
	}
}
