package fanout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

// asksToWait is an attempt that fails and asks for time.
func asksToWait(after, retryAfter time.Duration) step {
	return step{after: after, err: &fanout.Failure{Reason: fanout.Reason{Kind: "status", Code: 429}, RetryAfter: retryAfter}}
}

// paced is a service whose steps a test changes from call to call.
type paced struct {
	*script
	*fanout.Service[int]
}

func newPaced() paced {
	s := newScript()
	return paced{s, fanout.New[int](s.settings())}
}

// call makes one call and returns its attempts' outcomes and how many were sent.
func (p paced) call(t *testing.T, strategy fanout.Strategy[int], steps ...step) (outcomes []fanout.Outcome, sent int) {
	t.Helper()
	p.steps, p.sent, p.ended = steps, nil, make([]time.Duration, len(steps))
	answer, _ := p.Do(t.Context(), p.plan(time.Second, strategy))
	for _, a := range answer.Attempts {
		outcomes = append(outcomes, a.Outcome)
	}
	p.Wait()
	return outcomes, len(p.sent)
}

// retryAfter is what a call that is refused now is told. It is refused because it has waited for too long.
func (p paced) retryAfter(t *testing.T) time.Duration {
	t.Helper()
	plan := p.plan(time.Second, fanout.First)
	plan.Arrival = time.Now().Add(-time.Second)
	_, err := p.Do(t.Context(), plan)
	var refused *fanout.RefusedError
	require.ErrorAs(t, err, &refused)
	return refused.RetryAfter
}

func TestAFirstAttemptThatIsAskedToWaitEndsASmartCallAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(asksToWait(50*ms, time.Second))
		service := fanout.New[int](s.settings())
		answer, err := service.Do(t.Context(), s.plan(time.Second, fanout.Smart))
		assert.Equal(t, fanout.ErrFailed, err)
		assert.Equal(t, 50*ms, time.Since(s.began))
		assert.Equal(t, alone, s.sent)
		require.Len(t, answer.Attempts, 3)
		assert.Equal(t, fanout.Reason{Kind: "status", Code: 429}, answer.Attempts[0].Reason())
		for _, a := range answer.Attempts[1:] {
			assert.Equal(t, fanout.Refused, a.Outcome)
			assert.Equal(t, fanout.Reason{Kind: fanout.KindPushback}, a.Reason())
			assert.True(t, a.Hedge)
			assert.Equal(t, 50*ms, a.Started.Sub(s.began))
			assert.Zero(t, a.Duration)
		}
		assert.Equal(t, outcomes(fanout.Failed, fanout.Refused, fanout.Refused), s.outcomes(t))
		assert.Zero(t, service.InFlight(), "a hedge that is not sent holds no place under the cap")
	})
}

func TestHedgesAreSentAgainWhenTheTimeAskedForHasPassed(t *testing.T) {
	for _, test := range []struct {
		name  string
		asked time.Duration
		held  time.Duration // how long hedges are held back from the moment of asking
	}{
		{"it ends to the nanosecond", 2 * time.Second, 2 * time.Second},
		{"at most 30 s", 24 * time.Hour, 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPaced()
				p.call(t, fanout.Smart, asksToWait(50*ms, test.asked))
				time.Sleep(test.held - 10*ms - tick)
				got, sent := p.call(t, fanout.Smart, fails(10*ms)) // a nanosecond before
				assert.Equal(t, outcomes(fanout.Failed, fanout.Refused, fanout.Refused), got)
				assert.Equal(t, 1, sent)

				p = newPaced()
				p.call(t, fanout.Smart, asksToWait(50*ms, test.asked))
				time.Sleep(test.held - 10*ms)
				got, sent = p.call(t, fanout.Smart, fails(10*ms), succeeds(10*ms, 2), fails(ms))
				assert.Equal(t, outcomes(fanout.Failed, fanout.Won, fanout.Failed), got)
				assert.Equal(t, 3, sent)
			})
		})
	}
}

func TestASlowFirstAttemptGoesOnWithoutTheHedgesThatMustWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced()
		p.call(t, fanout.Smart, asksToWait(0, hedge+tick+1))
		got, sent := p.call(t, fanout.Smart, succeeds(500*ms, 1))
		assert.Equal(t, outcomes(fanout.Won, fanout.Refused, fanout.Refused), got)
		assert.Equal(t, 1, sent)
		assert.Equal(t, 500*ms, time.Since(p.began))
	})
}

func TestWhatIsNoHedgeIsSentAlsoWhenTheSourceHasAskedForTime(t *testing.T) {
	for name, strategy := range map[string]fanout.Strategy[int]{
		"first": fanout.First[int], "all": fanout.All[int], "within-timeout": fanout.WithinTimeout[int],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPaced()
				for range 2 {
					_, sent := p.call(t, strategy, asksToWait(ms, 30*time.Second), asksToWait(ms, time.Second), fails(ms))
					assert.Equal(t, 3, sent)
				}
			})
		})
	}
}

func TestALoserThatIsAskedToWaitHoldsHedgesBackToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced()
		got, _ := p.call(t, fanout.First, succeeds(ms, 1), asksToWait(2*ms, time.Second), succeeds(3*ms, 3))
		assert.Equal(t, outcomes(fanout.Won, fanout.Running, fanout.Running), got)
		assert.Equal(t, time.Second-ms, p.retryAfter(t))
		_, sent := p.call(t, fanout.Smart, fails(ms))
		assert.Equal(t, 1, sent)
	})
}

func TestAShorterTimeDoesNotEndALongerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced()
		p.call(t, fanout.All, asksToWait(10*ms, 10*time.Second), asksToWait(20*ms, time.Second), fails(30*ms))
		assert.Equal(t, 10*time.Second-20*ms, p.retryAfter(t))
	})
}

func TestWhoeverWantsToKnowIsToldThatAPlaceHasAskedForTimeAndCanTellTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type told struct {
			place int
			time.Duration
		}
		var all []told
		s := newScript()
		settings := s.settings()
		settings.Places = 2
		settings.PushedBack = func(place int, d time.Duration) { all = append(all, told{place, d}) }
		p := paced{s, fanout.New[int](settings)}
		ask := func(place int, d time.Duration) {
			t.Helper()
			s.steps, s.ended = []step{asksToWait(0, d)}, make([]time.Duration, 1)
			plan := s.plan(time.Second, fanout.First)
			plan.Producers, plan.Place = 1, func(int) int { return place }
			_, _ = p.Do(t.Context(), plan)
			p.Wait()
		}
		ask(1, 5*time.Second)
		ask(1, 4*time.Second) // it has asked for longer
		ask(0, time.Hour)
		assert.Equal(t, []told{{1, 5 * time.Second}, {0, 30 * time.Second}}, all)

		time.Sleep(time.Minute)
		p.PushBack(0, 10*time.Second)
		assert.Equal(t, 10*time.Second, p.retryAfter(t))
		assert.Len(t, all, 2, "who tells knows")
		p.PushBack(0, time.Hour)
		assert.Equal(t, 30*time.Second, p.retryAfter(t))
	})
}
