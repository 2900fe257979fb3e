package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

// The tests below run in a synctest bubble: a goroutine that is left behind fails them by itself.

func TestLosersAreCancelledWhenTheirGraceIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(100*ms, 1), succeeds(hangs, 2), succeeds(349*ms, 3))
		service := fanout.New[int](s.settings())
		_, err := service.Do(t.Context(), s.plan(time.Second, fanout.First))
		require.NoError(t, err)
		assert.Equal(t, 2, service.InFlight(), "losers count as in flight")
		assert.Zero(t, service.CallsInFlight(), "a call that has been answered does not")
		service.Wait()
		assert.Equal(t, []time.Duration{100 * ms, 100*ms + grace, 349 * ms}, s.ended)
		assert.Equal(t, outcomes(fanout.Won, fanout.Cancelled, fanout.Late), s.outcomes(t))
	})
}

func TestALoserThatHasEndedBeforeTheAnswerIsSettledToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(100*ms, 1), succeeds(100*ms, 2))
		settings := s.settings()
		settings.Producers = 2
		service := fanout.New[int](settings)
		_, err := service.Do(t.Context(), s.plan(time.Second, func(c *fanout.Call[int]) ([]int, error) {
			if err := c.Fire(2); err != nil {
				return nil, err
			}
			time.Sleep(200 * ms) // both results are on the queue
			r, err := c.Next()
			return []int{r.Value}, err
		}))
		require.NoError(t, err)
		service.Wait()
		assert.ElementsMatch(t, outcomes(fanout.Won, fanout.Late), s.outcomes(t))
	})
}

func TestAttemptsRunningAtTheDeadlineGetTheGraceToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(hangs, 1), succeeds(150*ms, 2), fails(120*ms))
		service := fanout.New[int](s.settings())
		answer, err := service.Do(t.Context(), s.plan(100*ms, fanout.WithinTimeout))
		require.NoError(t, err)
		assert.Empty(t, answer.Values)
		service.Wait()
		assert.Equal(t, []time.Duration{100*ms + tick + grace, 150 * ms, 120 * ms}, s.ended)
		assert.Equal(t, outcomes(fanout.TimedOut, fanout.TimedOut, fanout.TimedOut), s.outcomes(t))
	})
}

func TestNoGraceCancelsLosersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(100*ms, 1), succeeds(hangs, 2), succeeds(101*ms, 3))
		settings := s.settings()
		settings.LoserGrace = 0
		service := fanout.New[int](settings)
		_, err := service.Do(t.Context(), s.plan(time.Second, fanout.First))
		require.NoError(t, err)
		service.Wait()
		assert.Equal(t, []time.Duration{100 * ms, 100 * ms, 100 * ms}, s.ended)
		assert.Equal(t, outcomes(fanout.Won, fanout.Cancelled, fanout.Cancelled), s.outcomes(t))
	})
}

func TestTheEndOfTheCallersContextAfterTheAnswerLeavesTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(100*ms, 1), succeeds(200*ms, 2), succeeds(hangs, 3))
		service := fanout.New[int](s.settings())
		ctx, cancel := context.WithCancel(t.Context())
		_, err := service.Do(ctx, s.plan(time.Second, fanout.First))
		cancel()
		require.NoError(t, err)
		service.Wait()
		assert.Equal(t, []time.Duration{100 * ms, 200 * ms, 100*ms + grace}, s.ended)
		assert.Equal(t, outcomes(fanout.Won, fanout.Late, fanout.Cancelled), s.outcomes(t))
	})
}

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

func TestAnAnswerShowsItsLosersAsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(350*ms, 1), fails(20*ms), succeeds(hangs, 3))
		service := fanout.New[int](s.settings())
		answer, err := service.Do(t.Context(), s.plan(time.Second, fanout.Smart))
		require.NoError(t, err)
		require.Len(t, answer.Attempts, 3)
		assert.Equal(t, fanout.Won, answer.Attempts[0].Outcome)
		assert.Equal(t, fanout.Failed, answer.Attempts[1].Outcome)
		assert.True(t, answer.Attempts[1].Hedge)
		assert.Equal(t, fanout.Running, answer.Attempts[2].Outcome)
		assert.Equal(t, 50*ms-tick, answer.Attempts[2].Duration)
		service.Wait()
		assert.Equal(t, fanout.Running, answer.Attempts[2].Outcome, "what Do returned does not change any more")
	})
}

func TestBeyondTheCapACallIsRefusedAndSendsNothing(t *testing.T) {
	for name, strategy := range map[string]fanout.Strategy[int]{
		"first": fanout.First[int], "all": fanout.All[int], "within-timeout": fanout.WithinTimeout[int],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(succeeds(100*ms, 1), succeeds(100*ms, 2), succeeds(100*ms, 3))
				settings := s.settings()
				settings.MaxInFlight = 5
				service := fanout.New[int](settings)
				go func() {
					_, err := service.Do(t.Context(), s.plan(time.Second, fanout.All))
					assert.NoError(t, err)
				}()
				synctest.Wait()
				assert.Equal(t, 1, service.CallsInFlight())
				answer, err := service.Do(t.Context(), s.plan(time.Second, strategy))
				assert.Equal(t, fanout.ErrRefused, err)
				assert.Zero(t, time.Since(s.began))
				require.Len(t, answer.Attempts, 3)
				for _, a := range answer.Attempts {
					assert.Equal(t, fanout.Refused, a.Outcome)
				}
				assert.Equal(t, outcomes(fanout.Refused, fanout.Refused, fanout.Refused), s.outcomes(t), "the observer was told of each")
				assert.Len(t, s.sent, 3, "only the first call's attempts were sent")
				assert.Equal(t, 3, service.InFlight(), "a refused call holds no place under the cap")

				time.Sleep(100 * ms)
				synctest.Wait()
				_, err = service.Do(t.Context(), s.plan(time.Second, strategy))
				assert.NoError(t, err, "there is room again when the first call has ended")
			})
		})
	}
}

func TestBeyondTheCapSmartGoesOnWithoutItsHedges(t *testing.T) {
	for _, test := range []struct {
		name    string
		first   step
		err     error
		answers time.Duration
	}{
		{"the first attempt succeeds late", succeeds(500*ms, 1), nil, 500 * ms},
		{"the first attempt fails", fails(50 * ms), fanout.ErrFailed, 50 * ms},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(test.first)
				settings := s.settings()
				settings.MaxInFlight = 1
				service := fanout.New[int](settings)
				answer, err := service.Do(t.Context(), s.plan(time.Second, fanout.Smart))
				assert.Equal(t, test.err, err)
				assert.Equal(t, test.answers, time.Since(s.began))
				require.Len(t, answer.Attempts, 3)
				assert.Equal(t, fanout.Refused, answer.Attempts[1].Outcome)
				assert.Equal(t, fanout.Refused, answer.Attempts[2].Outcome)
				assert.Len(t, s.sent, 1)
			})
		})
	}
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
			assert.Equal(t, "internal error", a.Reason())
		}
	})
}

func TestAnAttemptThatExitsItsGoroutineHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exits := func(context.Context, int) (int, error) { runtime.Goexit(); return 0, nil }
		service := fanout.New[int](fanout.Settings{Producers: 3, MaxInFlight: 3})
		_, err := service.Do(t.Context(), fanout.Plan[int]{
			Source: exits, Strategy: fanout.First[int], Arrival: time.Now(), Timeout: time.Second,
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

func TestACallThatHasWaitedForTooLongIsRefused(t *testing.T) {
	for _, c := range []struct {
		waited, timeout time.Duration
		refused         bool
	}{
		{250 * ms, time.Second, false},
		{250*ms + 1, time.Second, true},
		{100 * ms, 80 * ms, false},
		{100*ms + 1, 80 * ms, true},
		{15 * time.Second, time.Minute, false},
		{time.Hour, time.Minute, true},
	} {
		t.Run(fmt.Sprintf("%v of %v", c.waited, c.timeout), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(succeeds(0, 1), succeeds(0, 2), succeeds(0, 3))
				service := fanout.New[int](s.settings())
				plan := s.plan(c.timeout, fanout.WithinTimeout)
				plan.Arrival = time.Now().Add(-c.waited)
				answer, err := service.Do(t.Context(), plan)
				service.Wait()
				if !c.refused {
					require.NoError(t, err)
					assert.Len(t, s.sent, 3)
					return
				}
				assert.Equal(t, fanout.ErrRefused, err)
				assert.Empty(t, s.sent)
				assert.Equal(t, []fanout.Outcome{fanout.Refused, fanout.Refused, fanout.Refused}, s.outcomes(t))
				assert.Len(t, answer.Attempts, 3)
			})
		})
	}
}

func TestAFailuresReasonIsItsOwnAndNotItsCause(t *testing.T) {
	cause := errors.New("dial tcp 192.0.2.1:443: refused")
	failure := &fanout.Failure{Reason: "connection refused", Err: cause}
	assert.Equal(t, "connection refused", fanout.Attempt{Err: failure}.Reason())
	assert.Equal(t, "connection refused: dial tcp 192.0.2.1:443: refused", failure.Error())
	require.ErrorIs(t, failure, cause)
	assert.Equal(t, "internal error", fanout.Attempt{Err: cause}.Reason(), "an error that is no Failure is not shown")
	assert.Empty(t, fanout.Attempt{}.Reason())
}
