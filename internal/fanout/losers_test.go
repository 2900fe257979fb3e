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
		service := fanout.New[int](s.settings())
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

func TestADeadlineThatPassesBesideTheAnswerIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(10*ms, 1), succeeds(100*ms, 2))
		service := fanout.New[int](s.settings())
		answer, err := service.Do(t.Context(), s.plan(30*ms, func(c *fanout.Call[int]) ([]int, error) {
			if err := c.Fire(2); err != nil {
				return nil, err
			}
			time.Sleep(50 * ms) // the deadline has passed
			r, err := c.Next()
			return []int{r.Value}, err
		}))
		require.NoError(t, err)
		assert.Equal(t, []int{1}, answer.Values)
		service.Wait()
		assert.Equal(t, outcomes(fanout.Won, fanout.Late), s.outcomes(t))
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
