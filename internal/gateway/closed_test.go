package gateway_test

import (
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/gateway"
	"hedgerow/internal/quota"
)

// closable is a quota that tells when it was closed.
type closable struct {
	*quota.Bucket

	mu    sync.Mutex
	times []time.Time
}

func (c *closable) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times = append(c.times, time.Now())
}

// closed is when it was closed.
func (c *closable) closed() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.times)
}

func TestAQuotaIsClosedWhenNoAPIHasItAnyMoreAndTheLastCallHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := map[string]*closable{}
		s := always(step{after: 500 * ms, status: 200})
		g := &gate{gateway.New(parse(t, one("quota: 10/s")), gateway.Settings{
			LoserGrace: grace, MaxInFlight: 100, Logger: slog.New(slog.DiscardHandler),
			NewQuota: func(api string, r quota.Rate) gateway.Quota {
				require.NotContains(t, made, api, "an API's quota stays")
				made[api] = &closable{Bucket: quota.NewBucket(r)}
				return made[api]
			},
		}), gateway.NewBuffer(1 << 20), nil}
		g.follow("a", s)
		g.Swap(parse(t, one("quota: 20/s")))
		synctest.Wait()
		assert.InDelta(t, 20, made["a"].Load().PerSecond, 0)
		assert.Empty(t, made["a"].closed())

		g.follow("a", s)
		go func() { _, _ = g.call(t, "a", "GET", "/x") }() //nolint:testifylint // the route is there
		synctest.Wait()
		g.Swap(parse(t, one("quota: off")))
		synctest.Wait()
		assert.Empty(t, made["a"].closed(), "a call still has it")
		began := time.Now()
		g.Close()
		require.Len(t, made["a"].closed(), 1)
		assert.Equal(t, 500*ms, made["a"].closed()[0].Sub(began))
	})
}
