package fanout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestAPlaceThatHasAskedForTimeIsLeftAloneByHedgesAndTheOthersAreNot(t *testing.T) {
	for name, test := range map[string]struct {
		asked []int // places
		want  []fanout.Outcome
	}{
		"none":        {nil, outcomes(fanout.Failed, fanout.Failed, fanout.Failed, fanout.Failed, fanout.Failed)},
		"the first":   {[]int{0}, outcomes(fanout.Failed, fanout.Failed, fanout.Failed, fanout.Refused, fanout.Failed)},
		"the second":  {[]int{1}, outcomes(fanout.Failed, fanout.Refused, fanout.Failed, fanout.Failed, fanout.Refused)},
		"two of them": {[]int{1, 2}, outcomes(fanout.Failed, fanout.Refused, fanout.Refused, fanout.Failed, fanout.Refused)},
		"all":         {[]int{0, 1, 2}, outcomes(fanout.Failed, fanout.Refused, fanout.Refused, fanout.Refused, fanout.Refused)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ask := newScript(fails(0), fails(0), fails(0))
				for _, place := range test.asked {
					ask.steps[place] = asksToWait(0, time.Second)
				}
				settings := ask.settings()
				settings.Places = 3
				service := fanout.New[int](settings)
				place := func(number int) int { return number % 3 }
				plan := ask.plan(time.Minute, fanout.First)
				plan.Place = place
				_, _ = service.Do(t.Context(), plan)

				s := newScript(fails(ms), fails(2*ms), fails(2*ms), fails(2*ms), fails(2*ms))
				plan = s.plan(time.Minute, fanout.Smart)
				plan.Producers, plan.Place = 5, place
				answer, err := service.Do(t.Context(), plan)
				require.ErrorIs(t, err, fanout.ErrFailed)
				require.Len(t, answer.Attempts, 5)
				for i, a := range answer.Attempts {
					assert.Equal(t, test.want[i], a.Outcome, i)
					assert.Equal(t, i, a.Number)
					if a.Outcome == fanout.Refused {
						assert.Equal(t, fanout.Reason{Kind: fanout.KindPushback}, a.Reason())
					}
				}
				assert.Zero(t, service.InFlight())
			})
		})
	}
}

func TestHedgesOfPlacesThatAreWellAreSentTogetherOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(fails(ms))
		settings := s.settings()
		settings.Places, settings.MaxInFlight = 3, 3
		plan := s.plan(time.Minute, fanout.Smart)
		plan.Producers, plan.Place = 5, func(number int) int { return number % 3 }
		answer, err := fanout.New[int](settings).Do(t.Context(), plan)
		require.ErrorIs(t, err, fanout.ErrFailed)
		require.Len(t, answer.Attempts, 5)
		for _, a := range answer.Attempts[1:] {
			assert.Equal(t, fanout.Reason{Kind: fanout.KindCap}, a.Reason(), "the cap has room for three of the four")
		}
	})
}

func TestRetryAfterIsThatOfThePlaceOfTheFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(asksToWait(0, 9*time.Second), fails(0), asksToWait(0, 5*time.Second))
		settings := s.settings()
		settings.Places = 3
		service := fanout.New[int](settings)
		plan := s.plan(time.Minute, fanout.First)
		plan.Place = func(number int) int { return number }
		_, _ = service.Do(t.Context(), plan)
		for first, want := range []time.Duration{9 * time.Second, 0, 5 * time.Second} {
			plan.Arrival = time.Now().Add(-time.Hour)
			plan.Place = func(number int) int { return (first + number) % 3 }
			_, err := service.Do(t.Context(), plan)
			var refused *fanout.RefusedError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, want, refused.RetryAfter, first)
		}
	})
}

func TestWhatTheCallerSpentIsNoWaitButCountsAgainstTheTimeout(t *testing.T) {
	for _, test := range []struct {
		passed, spent time.Duration
		refused       bool
	}{
		{900 * ms, 900 * ms, false},
		{900 * ms, 650 * ms, false},
		{900 * ms, 650*ms - 1, true},
		{900 * ms, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(succeeds(hangs, 1), succeeds(hangs, 1), succeeds(hangs, 1))
			service := fanout.New[int](s.settings())
			plan := s.plan(time.Second, fanout.First)
			plan.Arrival, plan.Spent = time.Now().Add(-test.passed), test.spent
			_, err := service.Do(t.Context(), plan)
			if test.refused {
				require.ErrorIs(t, err, fanout.ErrRefused)
				assert.Zero(t, time.Since(s.began))
			} else {
				require.ErrorIs(t, err, fanout.ErrTimedOut)
				assert.Equal(t, time.Second-test.passed+tick, time.Since(s.began))
			}
			service.Wait()
		})
	}
}
