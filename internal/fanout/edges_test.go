package fanout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestWhatAnErrorSays(t *testing.T) {
	reason := fanout.Reason{Kind: "status", Code: 500}
	require.EqualError(t, &fanout.Failure{Reason: reason}, reason.String())
	require.EqualError(t, &fanout.Failure{Reason: reason, Err: errScripted}, reason.String()+": scripted failure")
	require.EqualError(t, &fanout.Failure{Reason: fanout.Reason{Kind: "kind", Code: 1}}, "kind 1")
	require.EqualError(t, &fanout.PanicError{Value: "a slip"}, "panic: a slip")
	require.EqualError(t, &fanout.RefusedError{}, fanout.ErrRefused.Error())
}

func TestSmartOfTwoProducersFiresItsOnlyHedgeAtTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(hangs, 1), succeeds(50*ms, 2))
		service := fanout.New[int](s.settings())
		plan := s.plan(time.Second, fanout.Smart)
		plan.Producers = 2
		answer, err := service.Do(t.Context(), plan)
		require.NoError(t, err)
		assert.Equal(t, []int{2}, answer.Values)
		service.Wait()
		assert.Equal(t, []time.Duration{0, hedge + tick}, s.sent)
	})
}

func TestASmartCallWithoutRoomForItsFirstAttemptIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		settings := s.settings()
		settings.MaxInFlight = 0
		_, err := fanout.New[int](settings).Do(t.Context(), s.plan(time.Second, fanout.Smart))
		require.ErrorIs(t, err, fanout.ErrRefused)
		assert.Empty(t, s.sent)
	})
}

func TestAStrategyThatFiresMoreThanItMayPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(ms, 1), succeeds(ms, 2), succeeds(ms, 3))
		service := fanout.New[int](s.settings())
		greedy := func(c *fanout.Call[int]) ([]int, error) {
			require.NoError(t, c.Fire(c.Producers()-1))
			return []int{1}, c.Fire(2)
		}
		assert.PanicsWithValue(t, "fanout: attempt 4 of a call that may fire 3", func() {
			_, _ = service.Do(t.Context(), s.plan(time.Second, greedy))
		})
		service.Wait()
	})
}

func TestOnlyAnAttemptThatFailedHasAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(10*ms, 1), succeeds(hangs, 2), succeeds(hangs, 3))
		service := fanout.New[int](s.settings())
		_, err := service.Do(t.Context(), s.plan(time.Second, fanout.First))
		require.NoError(t, err)
		service.Wait()
		assert.ElementsMatch(t, []fanout.Outcome{fanout.Won, fanout.Cancelled, fanout.Cancelled}, s.outcomes(t))
		for _, a := range s.settled {
			assert.NoError(t, a.Err, a.Outcome)
		}
	})
}

func TestALoserThatSucceedsAlthoughItWasCutIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		service := fanout.New[int](s.settings())
		plan := s.plan(time.Second, fanout.First)
		plan.Producers = 2
		plan.Source = func(ctx context.Context, a fanout.Attempt) (int, error) {
			if a.Number == 1 {
				<-ctx.Done()
				time.Sleep(ms)
			}
			return a.Number, nil
		}
		_, err := service.Do(t.Context(), plan)
		require.NoError(t, err)
		service.Wait()
		assert.ElementsMatch(t, []fanout.Outcome{fanout.Won, fanout.Late}, s.outcomes(t))
	})
}
