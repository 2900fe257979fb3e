package gateway_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/gateway"
)

// load is what the API "a" does now.
func (g *gate) load(t *testing.T) gateway.Load {
	t.Helper()
	loads := g.Loads()
	require.Len(t, loads, 1)
	return loads[0]
}

func TestTheLoadTellsOfEachRouteHowLongItsCallsWaitForTheirFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, one("timeout: 2s, routes: {'GET /slow/': {timeout: 8s}, 'GET /fixed': {hedge: {delay: 70ms}}}"), always(step{after: 100 * ms, status: 200}))
		assert.Equal(t, map[string]time.Duration{"": time.Second, "GET /slow/": 4 * time.Second, "GET /fixed": 70 * ms}, g.load(t).HedgeDelays)
		for range 50 {
			_, err := g.call(t, "a", "GET", "/slow/x")
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		delays := g.load(t).HedgeDelays
		assertNear(t, 100*ms, delays["GET /slow/"])
		assert.Equal(t, time.Second, delays[""], "each route learns by itself")
		g.Close()
	})
}

func TestTheLoadTellsWhatIsLeftOfTheHedgeBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(func(made sending) step {
			if made.at < time.Second { // the first call's
				return silent
			}
			return well
		})
		g := start(t, one("attempts: 3, timeout: 1s, hedge: {delay: 100ms}"), s)
		_, err := g.call(t, "a", "GET", "/x")
		require.Error(t, err)
		assert.InDelta(t, 8, g.load(t).HedgeBudget, 0)
		_, err = g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.InDelta(t, 8.1, g.load(t).HedgeBudget, 1e-9)
		g.Swap(parse(t, one("attempts: 2, hedge: {budget: off}")))
		assert.InDelta(t, 10, g.load(t).HedgeBudget, 0)
		g.Close()
	})
}

func TestTheLoadTellsWhichURLsAreTriedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two, fails, well, well)
		m.asks(t, 4, 0, 1)
		assert.Equal(t, []bool{false, false, false}, m.load(t).Last)
		m.asks(t, 1, 0, 1)
		assert.Equal(t, []bool{true, false, false}, m.load(t).Last)
		m.steps[0] = well
		time.Sleep(30 * time.Second)
		m.asks(t, 1, 0)
		assert.Equal(t, []bool{false, false, false}, m.load(t).Last)
		m.Close()
	})
}

func TestWhatAHedgeHasSavedIsToldWithItsAPIAndItsCallersContext(t *testing.T) {
	type key struct{}
	type saving struct {
		caller, api string
		saved       time.Duration
	}
	synctest.Test(t, func(t *testing.T) {
		told := make(chan saving, 2)
		s := newScript(func(made sending) step {
			if made.number == 0 {
				return step{after: 200 * ms, status: 200}
			}
			return well
		})
		g := &gate{gateway.New(parse(t, one("attempts: 2, hedge: {delay: 100ms}")), gateway.Settings{
			LoserGrace: grace, MaxInFlight: 100, Logger: slog.New(slog.DiscardHandler),
			Saved: func(ctx context.Context, api string, d time.Duration) {
				told <- saving{ctx.Value(key{}).(string), api, d}
			},
		}), gateway.NewBuffer(1 << 20), nil}
		g.follow("a", s)
		_, err := g.callBy(context.WithValue(t.Context(), key{}, "me"), t, "a", "GET", "/x", func(*gateway.Call) {})
		require.NoError(t, err)
		assert.Empty(t, told, "the first attempt still runs")
		g.Close()
		require.Len(t, told, 1)
		assert.Equal(t, saving{"me", "a", 100*ms - tick - 10*ms}, <-told)
	})
}
