package fanout_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

// The tests below run in a synctest bubble: a goroutine that is left behind fails them by itself.

func TestACallerGoneCancelsEveryAttemptAtOnce(t *testing.T) {
	for name, strategy := range map[string]fanout.Strategy[int]{
		"first": fanout.First[int], "all": fanout.All[int], "within-timeout": fanout.WithinTimeout[int], "smart": fanout.Smart[int],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(fails(10*ms), succeeds(hangs, 2), succeeds(hangs, 3))
				service := fanout.New[int](s.settings())
				ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
				defer cancel()
				answer, err := service.Do(ctx, s.plan(2*time.Second, strategy))
				assert.Equal(t, fanout.ErrAbandoned, err)
				assert.Empty(t, answer.Values)
				assert.Equal(t, 50*ms, time.Since(s.began))
				service.Wait()
				assert.Equal(t, []time.Duration{10 * ms, 50 * ms, 50 * ms}, s.ended)
				assert.Equal(t, outcomes(fanout.Failed, fanout.Abandoned, fanout.Abandoned), s.outcomes(t))
			})
		})
	}
}

func TestACallerGoneBeforeTheCallSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(ms, 1), succeeds(ms, 2), succeeds(ms, 3))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := fanout.New[int](s.settings()).Do(ctx, s.plan(time.Second, fanout.First))
		assert.Equal(t, fanout.ErrAbandoned, err)
		synctest.Wait()
		assert.Empty(t, s.sent)
	})
}

func TestAtTheDeadlineTheAttemptsStandAsTimedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(fails(10*ms), succeeds(hangs, 2), succeeds(101*ms, 3))
		service := fanout.New[int](s.settings())
		answer, err := service.Do(t.Context(), s.plan(100*ms, fanout.First))
		assert.Equal(t, fanout.ErrTimedOut, err)
		require.Len(t, answer.Attempts, 3)
		for i, want := range []fanout.Attempt{
			{Number: 0, Outcome: fanout.Failed, Duration: 10 * ms, Err: errScripted, Started: s.began},
			{Number: 1, Outcome: fanout.TimedOut, Duration: 100*ms + tick, Started: s.began},
			{Number: 2, Outcome: fanout.TimedOut, Duration: 100*ms + tick, Started: s.began},
		} {
			assert.Equal(t, want, answer.Attempts[i])
		}
		service.Wait()
	})
}

func TestAPanicIsReportedWithItsStackAndNotShownToCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(panics(ms), panics(ms), panics(ms))
		answer, err := fanout.New[int](s.settings()).Do(t.Context(), s.plan(time.Second, fanout.First))
		assert.Equal(t, fanout.ErrFailed, err)
		for _, a := range answer.Attempts {
			var p *fanout.PanicError
			require.ErrorAs(t, a.Err, &p)
			assert.Equal(t, "scripted panic", p.Value)
			assert.Contains(t, string(p.Stack), "script_test.go")
			assert.Equal(t, fanout.Reason{Kind: fanout.KindInternal}, a.Reason())
		}
	})
}

func TestAnAttemptThatExitsItsGoroutineHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exits := func(context.Context, fanout.Attempt) (int, error) { runtime.Goexit(); return 0, nil }
		service := fanout.New[int](fanout.Settings{MaxInFlight: 3})
		_, err := service.Do(t.Context(), fanout.Plan[int]{
			Source: exits, Strategy: fanout.First[int], Arrival: time.Now(), Timeout: time.Second, Producers: 3,
		})
		assert.Equal(t, fanout.ErrFailed, err)
		assert.Zero(t, service.InFlight())
	})
}

func TestAStrategyThatPanicsLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(hangs, 1))
		service := fanout.New[int](s.settings())
		assert.Panics(t, func() {
			_, _ = service.Do(t.Context(), s.plan(time.Second, func(c *fanout.Call[int]) ([]int, error) {
				_ = c.Fire(1)
				panic("a broken strategy")
			}))
		})
		service.Wait()
		assert.Zero(t, service.InFlight())
	})
}

func TestADeadlineInThePastEndsTheCallAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(ms, 1), succeeds(ms, 2), succeeds(ms, 3))
		service := fanout.New[int](s.settings())
		plan := s.plan(50*ms, fanout.First)
		plan.Arrival = time.Now().Add(-60 * ms)
		_, err := service.Do(t.Context(), plan)
		assert.Equal(t, fanout.ErrTimedOut, err)
		assert.Zero(t, time.Since(s.began))
		service.Wait()
	})
}

func TestTheTextOfAReasonIsItsKindAndItsCode(t *testing.T) {
	assert.Equal(t, "TLS failure", fanout.Reason{Kind: "TLS failure"}.String())
	assert.Equal(t, "status 500", fanout.Reason{Kind: "status", Code: 500}.String())
	assert.Empty(t, fanout.Reason{}.String())
}

func TestAFailuresReasonIsItsOwnAndNotItsCause(t *testing.T) {
	cause := errors.New("dial tcp 192.0.2.1:443: refused")
	refused := fanout.Reason{Kind: "connection refused"}
	failure := &fanout.Failure{Reason: refused, Err: cause}
	assert.Equal(t, refused, fanout.Attempt{Err: failure}.Reason())
	assert.Equal(t, "connection refused: dial tcp 192.0.2.1:443: refused", failure.Error())
	require.ErrorIs(t, failure, cause)
	internal := fanout.Reason{Kind: fanout.KindInternal}
	assert.Equal(t, internal, fanout.Attempt{Err: cause}.Reason(), "an error that is not a Failure is not shown")
	assert.Zero(t, fanout.Attempt{}.Reason())
}

func TestAResultThatIsReadyComesBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 { // what is left to chance does not keep a promise twenty times
			s := newScript(succeeds(10*ms, 1), succeeds(20*ms, 2), succeeds(hangs, 3))
			service := fanout.New[int](s.settings())
			_, err := service.Do(t.Context(), s.plan(100*ms, func(c *fanout.Call[int]) ([]int, error) {
				require.NoError(t, c.Fire(3))
				time.Sleep(time.Second) // a consumer that is held up until its deadline is long past
				for _, want := range []int{1, 2} {
					r, err := c.Next()
					require.NoError(t, err)
					assert.Equal(t, want, r.Value)
				}
				_, err := c.Next()
				return nil, err
			}))
			assert.Equal(t, fanout.ErrTimedOut, err)
			service.Wait()
		}
	})
}

func TestAResultThatIsReadyComesBeforeAHedgeAndAGoneCaller(t *testing.T) {
	for range 64 { // where several things are ready Go picks one at random
		synctest.Test(t, func(t *testing.T) {
			s := newScript(succeeds(5*ms, 1))
			service := fanout.New[int](s.settings())
			ctx, leave := context.WithCancel(t.Context())
			answer, err := service.Do(ctx, s.plan(time.Second, func(c *fanout.Call[int]) ([]int, error) {
				if err := c.Fire(1); err != nil {
					return nil, err
				}
				c.FireAfter(10*ms, 2)
				time.Sleep(20 * ms)
				leave()
				r, err := c.Next()
				return []int{r.Value}, err
			}))
			require.NoError(t, err)
			assert.Equal(t, []int{1}, answer.Values)
			assert.Equal(t, []time.Duration{0}, s.sent, "no hedge")
		})
	}
}
