package fanout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/test/pause"
)

// turns is a quota whose next turn comes after a while. It has so many requests to spare then.
type turns struct {
	after time.Duration
	spare int

	until []time.Duration // what first attempts would wait, from the time that they asked
	asked []int           // how many requests were asked for at a time
}

func (q *turns) Wait(ctx context.Context, n int, until time.Time) (int, time.Duration) {
	q.until = append(q.until, time.Until(until))
	if q.after > time.Until(until) {
		q.asked = append(q.asked, n)
		return 0, q.after
	}
	if pause.For(ctx, q.after) != nil {
		return 0, q.after
	}
	return 1 + q.Spare(n-1), 0
}

func (q *turns) Spare(n int) int {
	q.asked = append(q.asked, n)
	granted := min(n, q.spare)
	q.spare -= granted
	return granted
}

// within is a service whose attempts a quota bounds.
func within(q *turns, change func(*fanout.Settings)) paced {
	s := newScript()
	settings := s.settings()
	settings.Quota = q
	change(&settings)
	return paced{s, fanout.New[int](settings)}
}

func nothing(*fanout.Settings) {}

func TestAFirstAttemptWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &turns{after: 200 * ms, spare: 2}
		p := within(q, nothing)
		p.steps, p.ended = []step{succeeds(500*ms, 1), succeeds(hangs, 2), succeeds(hangs, 3)}, make([]time.Duration, 3)
		plan := p.plan(time.Second, fanout.Smart)
		plan.Arrival = plan.Arrival.Add(-50 * ms)
		answer, err := p.Do(t.Context(), plan)
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{450 * ms}, q.until, "until half of the timeout has gone, from the arrival on")
		assert.Equal(t, []time.Duration{200 * ms, 200*ms + hedge + tick, 200*ms + hedge + tick}, p.sent, "the delay of hedges begins with the first attempt")
		assert.Equal(t, 500*ms, answer.Attempts[0].Duration, "the wait is none of an attempt's time")
		p.Wait()
	})
}

func TestACallWhoseTurnComesTooLateIsRefusedAndToldWhenItComes(t *testing.T) {
	for name, strategy := range map[string]fanout.Strategy[int]{
		"first": fanout.First[int], "all": fanout.All[int], "within-timeout": fanout.WithinTimeout[int], "smart": fanout.Smart[int],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := within(&turns{after: 700 * ms}, nothing)
				p.call(t, fanout.Smart)
				before := len(p.settled)
				answer, err := p.Do(t.Context(), p.plan(time.Second, strategy))
				assert.Equal(t, &fanout.RefusedError{Kind: fanout.KindQuota, RetryAfter: 700 * ms}, err)
				assert.Zero(t, time.Since(p.began), "at once")
				assert.Empty(t, p.sent)
				for _, a := range answer.Attempts {
					assert.Equal(t, fanout.Refused, a.Outcome)
					assert.Equal(t, fanout.Reason{Kind: fanout.KindQuota}, a.Reason())
					assert.Zero(t, time.Since(a.Started))
				}
				assert.Equal(t, answer.Attempts, p.settled[before:], "the observer was told of each")
				assert.NotEmpty(t, answer.Attempts)
			})
		})
	}
}

func TestARefusedCallWaitsForAPlaceThatHasAskedForTimeIfThatIsLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &turns{}
		p := within(q, func(s *fanout.Settings) { s.Places = 2 })
		p.call(t, fanout.Smart, asksToWait(0, 3*time.Second))
		q.after = time.Second
		plan := p.plan(time.Second, fanout.Smart)
		plan.Place = func(number int) int { return number % 2 } // the second has not asked
		_, err := p.Do(t.Context(), plan)
		assert.Equal(t, &fanout.RefusedError{Kind: fanout.KindQuota, RetryAfter: 3 * time.Second}, err)
	})
}

func TestAttemptsBeyondTheFirstAreSentAsFarAsTheQuotaCanSpareThem(t *testing.T) {
	for name, test := range map[string]struct {
		strategy fanout.Strategy[int]
		steps    []step
	}{
		"at once":         {fanout.All[int], []step{fails(0), fails(0), fails(0)}},
		"after the delay": {fanout.Smart[int], []step{succeeds(500*ms, 1), fails(ms), fails(ms)}},
		"after a failure": {fanout.Smart[int], []step{fails(0), fails(0), fails(0)}},
	} {
		for spare := range 3 {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := within(&turns{spare: spare}, nothing)
					p.steps, p.ended = test.steps, make([]time.Duration, 3)
					answer, _ := p.Do(t.Context(), p.plan(time.Second, test.strategy))
					assert.Len(t, p.sent, 1+spare)
					require.Len(t, answer.Attempts, 3)
					for i, a := range answer.Attempts {
						assert.Equal(t, i, a.Number)
						assert.Equal(t, i > spare, a.Outcome == fanout.Refused)
						assert.Equal(t, i > spare, a.Reason().Kind == fanout.KindQuota)
						assert.False(t, a.Started.Before(answer.Attempts[0].Started))
					}
					p.Wait()
					assert.Len(t, p.settled, 3)
				})
			})
		}
	}
}

func TestAHedgeThatTheQuotaRefusesCostsNothingOfTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &turns{spare: 10}
		p := within(q, nothing)
		p.budget = 0.1
		p.spend(t)
		p.earn(t, 15)
		q.spare = 1
		failing := func() { p.steps, p.ended = []step{fails(0), fails(0), fails(0)}, make([]time.Duration, 3) }
		failing()
		answer, _ := p.Do(t.Context(), p.plan(time.Second, fanout.Smart))
		assert.Equal(t, []fanout.Kind{"internal error", "internal error", fanout.KindBudget}, kinds(answer.Attempts))
		p.holds(t, 0.5)
		p.earn(t, 20)
		failing()
		answer, _ = p.Do(t.Context(), p.plan(time.Second, fanout.Smart))
		assert.Equal(t, []fanout.Kind{"internal error", fanout.KindQuota, fanout.KindQuota}, kinds(answer.Attempts))
		p.holds(t, 2.5)
	})
}

func TestWhatIsRefusedForAnotherReasonTakesNothingOfTheQuota(t *testing.T) {
	late := 300 * ms
	for name, test := range map[string]struct {
		cap    int
		waited time.Duration
		asked  []int
		kind   fanout.Kind
	}{
		"no room for the first attempt": {0, 0, nil, fanout.KindCap},
		"no room for hedges":            {1, 0, []int{0}, fanout.KindCap},
		"the call has waited":           {9, late, nil, fanout.KindWait},
		"the hedges have to wait":       {9, 0, []int{0}, fanout.KindPushback},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &turns{spare: 2}
				p := within(q, func(s *fanout.Settings) { s.MaxInFlight = test.cap })
				p.steps, p.ended = []step{succeeds(500*ms, 1)}, make([]time.Duration, 1)
				if test.kind == fanout.KindPushback {
					p.steps = []step{asksToWait(0, time.Second)}
				}
				plan := p.plan(time.Second, fanout.Smart)
				plan.Arrival = plan.Arrival.Add(-test.waited)
				answer, err := p.Do(t.Context(), plan)
				last := answer.Attempts[len(answer.Attempts)-1]
				assert.Equal(t, test.kind, last.Reason().Kind)
				assert.Equal(t, test.asked, q.asked)
				if refused, ok := err.(*fanout.RefusedError); ok { //nolint:errorlint // it is the error itself
					assert.Equal(t, test.kind, refused.Kind)
				}
			})
		})
	}
}

func TestACallerThatGoesAwayWhileItsCallWaitsForItsTurnEndsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := within(&turns{after: 300 * ms}, nothing)
		ctx, leave := context.WithTimeout(t.Context(), 100*ms)
		defer leave()
		answer, err := p.Do(ctx, p.plan(time.Second, fanout.First))
		require.ErrorIs(t, err, fanout.ErrAbandoned)
		assert.Equal(t, 100*ms, time.Since(p.began))
		assert.Empty(t, answer.Attempts)
		p.Wait()
		assert.Empty(t, p.sent)
		assert.Zero(t, p.InFlight())
	})
}

func TestAStrategyThatFiresOneByOneHasOneFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := within(&turns{spare: 1}, nothing)
		p.steps, p.ended = []step{fails(0), fails(0), fails(0)}, make([]time.Duration, 3)
		var errs []error
		answer, _ := p.Do(t.Context(), p.plan(time.Second, func(c *fanout.Call[int]) ([]int, error) {
			for range c.Producers() {
				errs = append(errs, c.Fire(1))
			}
			return nil, fanout.ErrFailed
		}))
		assert.Equal(t, []error{nil, nil, &fanout.RefusedError{Kind: fanout.KindQuota}}, errs)
		assert.Equal(t, []fanout.Kind{"", "", fanout.KindQuota}, kinds(answer.Attempts))
		p.Wait()
	})
}

func TestAHedgeThatTheQuotaRefusesIsRecordedAsOneAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := within(&turns{}, nothing)
		p.steps, p.ended = []step{succeeds(500*ms, 1)}, make([]time.Duration, 1)
		answer, err := p.Do(t.Context(), p.plan(time.Second, fanout.Smart))
		require.NoError(t, err)
		for _, a := range answer.Attempts[1:] {
			assert.True(t, a.Hedge)
			assert.Equal(t, hedge+tick, a.Started.Sub(p.began))
		}
	})
}

func TestARefusedHedgeGivesBackToTheBudgetWhatItsCallHasTakenAndNothingElse(t *testing.T) {
	for name, test := range map[string]struct{ budget, full, empty float64 }{
		"a budget":                {0.1, 10, 0},
		"the smallest budget":     {0.000001, 10, 0},
		"a call without a budget": {0, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &turns{}
				p := within(q, nothing)
				refused := func() {
					t.Helper()
					p.budget = test.budget
					p.call(t, fanout.Smart, fails(0))
				}
				refused()
				p.holds(t, test.full)
				p.budget, q.spare = 0.1, 10
				p.spend(t)
				refused()
				p.holds(t, test.empty)
			})
		})
	}
}

func TestACallerThatGoesAwayWhileTheQuotaHasNothingToSpareHasItsAttemptsCutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := within(&turns{}, nothing)
		p.steps, p.ended = []step{succeeds(hangs, 1)}, make([]time.Duration, 1)
		ctx, leave := context.WithTimeout(t.Context(), 50*ms)
		defer leave()
		_, err := p.Do(ctx, p.plan(time.Second, func(c *fanout.Call[int]) ([]int, error) {
			if err := c.Fire(1); err != nil {
				return nil, err
			}
			time.Sleep(100 * ms)
			return nil, c.Fire(1)
		}))
		require.ErrorIs(t, err, fanout.ErrAbandoned)
		p.Wait()
		assert.Equal(t, []time.Duration{100 * ms}, p.ended)
		assert.Equal(t, outcomes(fanout.Abandoned), p.outcomes(t))
	})
}
