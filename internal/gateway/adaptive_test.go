package gateway_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/gateway"
)

// delay is how long a call by a path waits for its first attempt now, when it has a second.
func (g *gate) delay(path string) time.Duration {
	a := g.Use("a")
	defer a.Release()
	return a.Route("GET", path).HedgeDelay(time.Second)
}

// minute makes calls for a minute, 50 a second, and returns how many requests they have taken beyond one each.
func (g *gate) minute(t *testing.T, s *script) (extra int) {
	t.Helper()
	const calls, pause = 3000, 20 * ms
	before := s.requests()
	var made sync.WaitGroup
	for range calls {
		made.Go(func() { _, _ = g.call(t, "a", "GET", "/x") })
		time.Sleep(pause)
	}
	made.Wait()
	time.Sleep(time.Second) // what has ended is known
	synctest.Wait()
	return s.requests() - before - calls
}

// varied is a duration that differs from attempt to attempt: 80 to 119 ms in a fixed order.
func varied() func() time.Duration {
	var mu sync.Mutex
	n := 0
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		n++
		return 80*ms + time.Duration(n*17%40)*ms
	}
}

// assertNear checks that a delay is the duration that it was learned from, to the precision of its window.
func assertNear(t *testing.T, want, got time.Duration, about ...any) {
	t.Helper()
	assert.InEpsilon(t, float64(want), float64(got), 1.0/128, about...)
}

func TestAnAPIFourTimesAsSlowIsHedgedAsBeforeAfterAMinuteAndSoWhenItRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, slower := varied(), 1
		s := newScript(func(sending) step { return step{after: took() * time.Duration(slower), status: 200} })
		g := start(t, one("max_in_flight: 1000, timeout: 2s, hedge: {budget: off}"), s)
		g.minute(t, s)
		before, healthy := g.delay("/x"), g.minute(t, s)
		assert.Less(t, before, 120*ms)
		require.Positive(t, healthy)
		assert.LessOrEqual(t, healthy, 2*3000*5/100, "two hedges for at most 5 % of the calls")

		slower = 4
		g.minute(t, s)
		assert.InEpsilon(t, float64(4*before), float64(g.delay("/x")), 0.05, "the delay follows within the minute")
		assert.LessOrEqual(t, float64(g.minute(t, s)), 1.5*float64(healthy))
		slower = 1
		g.minute(t, s)
		assert.InEpsilon(t, float64(before), float64(g.delay("/x")), 0.05)
		assert.LessOrEqual(t, float64(g.minute(t, s)), 1.5*float64(healthy))
		g.Close()
	})
}

func TestAnOutageIsNotHedgedAndIsForgottenWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		after := 50 * ms
		s := newScript(func(sending) step { return step{after: after, status: 200} })
		g := start(t, one("max_in_flight: 1000"), s)
		g.minute(t, s)
		assertNear(t, 50*ms, g.delay("/x"))
		after = hangs
		assert.Equal(t, 10, g.minute(t, s), "what the budget had")
		assert.Equal(t, 500*ms, g.delay("/x"), "which is unknown")
		after = 50 * ms
		g.minute(t, s)
		assertNear(t, 50*ms, g.delay("/x"))
		assert.Zero(t, g.minute(t, s))
		g.Close()
	})
}

func TestOfTwoLatenciesTheRareOneIsHedgedAndTheUsualOneIsNot(t *testing.T) {
	for slow, want := range map[int]time.Duration{2: 20 * ms, 20: 400 * ms} { // in 100
		synctest.Test(t, func(t *testing.T) {
			n := 0
			s := newScript(func(sending) step {
				if n++; n%100 < slow {
					return step{after: 400 * ms, status: 200}
				}
				return step{after: 20 * ms, status: 200}
			})
			g := start(t, one("attempts: 1"), s) // one after another: n has one user at a time
			for range 300 {
				_, err := g.call(t, "a", "GET", "/x")
				require.NoError(t, err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			assertNear(t, want, g.delay("/x"), slow)
			g.Close()
		})
	}
}

func TestFastFailuresDoNotShortenTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(func(made sending) step {
			if made.number > 0 {
				return step{after: 100 * ms, status: 200}
			}
			return step{after: ms, status: 500}
		})
		g := start(t, one("attempts: 2, hedge: {budget: off}"), s)
		for range 60 {
			_, err := g.call(t, "a", "GET", "/x")
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		assertNear(t, 100*ms, g.delay("/x"))
		g.Close()
	})
}

func TestEveryStrategyTeachesTheDelay(t *testing.T) {
	for strategy := range strategies {
		synctest.Test(t, func(t *testing.T) {
			g := start(t, one("attempts: 2, strategy: "+strategy), always(step{after: 100 * ms, status: 200}))
			for range 50 {
				_, err := g.call(t, "a", "GET", "/x")
				require.NoError(t, err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			assertNear(t, 100*ms, g.delay("/x"), strategy)
			g.Close()
		})
	}
}

func TestAHedgeOfTheTimerGoesOnlyWhenItCanEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		after := 200 * ms
		s := newScript(func(sending) step { return step{after: after, status: 200} })
		g := start(t, one("attempts: 2, hedge: {max: 300ms, budget: off}"), s)
		for range 50 {
			_, err := g.call(t, "a", "GET", "/x")
			require.NoError(t, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, 50, s.requests())
		after = hangs
		for timeout, sent := range map[time.Duration]int{390 * ms: 1, 410 * ms: 2} { // the delay and the fastest success are 200 ms
			before := s.requests()
			_, err := g.callBy(t.Context(), t, "a", "GET", "/x", func(c *gateway.Call) { c.Timeout = timeout })
			require.ErrorIs(t, err, fanout.ErrTimedOut)
			assert.Equal(t, sent, s.requests()-before, timeout)
		}
		g.Close()
	})
}

func TestADelayBeyondTheDeadlineSendsNoHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := always(step{after: hangs})
		g := start(t, one("hedge: {min: 2s}"), s)
		_, err := g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrTimedOut)
		assert.Equal(t, 1, s.requests())
		g.Close()
	})
}

func TestAnAPIThatDidNotChangeKeepsWhatItsRoutesHaveLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const text = "hedge: {delay: p90}, routes: {/slow: {}, /fixed: {hedge: {delay: 70ms}}}"
		s := newScript(func(made sending) step {
			if made.request.Target.Path == "/slow" {
				return step{after: 300 * ms, status: 200}
			}
			return step{after: 100 * ms, status: 200}
		})
		g := start(t, one(text), s)
		for range 50 {
			for _, path := range []string{"/slow", "/x", "/fixed"} {
				_, err := g.call(t, "a", "GET", path)
				require.NoError(t, err)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for range 2 {
			assertNear(t, 300*ms, g.delay("/slow"), "each route has its own")
			assertNear(t, 100*ms, g.delay("/x"))
			assert.Equal(t, 70*ms, g.delay("/fixed"))
			g.Swap(append(parse(t, one(text)), parse(t, "apis: {b: {url: 'http://h'}}")...))
		}
		g.Swap(parse(t, one(text+", timeout: 2s")))
		assert.Equal(t, 500*ms, g.delay("/x"), "another API knows nothing yet")
		g.Close()
	})
}

func TestWhatIsLearnedIsBoundedByTheRoutesWhateverThePaths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, one("attempts: 1, routes: {/x/: {}}"), always(step{status: 200}))
		held := func(calls int) uint64 {
			a := g.Use("a")
			defer a.Release()
			for i := range calls {
				path := fmt.Sprintf("/%c/%d", "xy"[i%2], i)
				route := a.Route("GET", path)
				_, err := g.callBy(t.Context(), t, "a", "GET", path, func(c *gateway.Call) { c.Route = route })
				require.NoError(t, err)
			}
			a.Script(always(step{status: 200}).exchange) // the script's notes go
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := held(100)
		assert.Less(t, held(100_000), before+1<<20)
		g.Close()
	})
}

func TestARouteMayHedgeWithoutTheBudgetOfItsAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := always(step{after: ms, status: 500})
		g := start(t, one("hedge: {budget: 50%}, routes: {/free: {hedge: {budget: off}}}"), s)
		requests := func(path string) int {
			before := s.requests()
			_, _ = g.call(t, "a", "GET", path)
			return s.requests() - before
		}
		for range 5 {
			assert.Equal(t, 3, requests("/x"))
			assert.Equal(t, 3, requests("/free"))
		}
		assert.Equal(t, 1, requests("/x"), "ten hedges have gone")
		assert.Equal(t, 3, requests("/free"))
		g.Close()
	})
}
