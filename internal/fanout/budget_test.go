package fanout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

// saving is a service whose calls pay for hedges, at 0.1 a call.
func saving(most int) paced {
	s := newScript()
	s.budget = 0.1
	settings := s.settings()
	settings.MaxInFlight = most
	return paced{s, fanout.New[int](settings)}
}

// spend leaves hedges in the budget, of the ten that are there at first. It takes two at a time.
func (p paced) spend(t *testing.T, left int) {
	t.Helper()
	for n := 10; n > left; n -= 2 {
		_, sent := p.call(t, fanout.Smart, fails(ms), fails(ms), fails(ms))
		require.Equal(t, 3, sent)
	}
	require.InDelta(t, float64(left), p.Budget(), 0)
}

// well makes calls that end well without a hedge.
func (p paced) well(t *testing.T, n int) {
	t.Helper()
	for range n {
		got, _ := p.call(t, fanout.Smart, succeeds(ms, 1))
		require.Equal(t, outcomes(fanout.Won), got)
	}
}

func TestAnEmptyBudgetRefusesHedgesAndTheFirstAttemptGoesOn(t *testing.T) {
	for name, test := range map[string]struct {
		first   step
		outcome fanout.Outcome
		at      time.Duration
	}{
		"after the delay":  {succeeds(500*ms, 1), fanout.Won, hedge + tick},
		"after a failure":  {fails(50 * ms), fanout.Failed, 50 * ms},
		"failures at once": {fails(0), fanout.Failed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := saving(12)
				p.spend(t, 0)
				p.steps, p.sent = []step{test.first}, nil
				began := time.Now()
				answer, _ := p.Do(t.Context(), p.plan(time.Second, fanout.Smart))
				assert.Equal(t, test.first.after, time.Since(began))
				assert.Len(t, p.sent, 1)
				require.Len(t, answer.Attempts, 3)
				assert.Equal(t, test.outcome, answer.Attempts[0].Outcome)
				for i, a := range answer.Attempts[1:] {
					assert.Equal(t, i+1, a.Number)
					assert.Equal(t, fanout.Refused, a.Outcome)
					assert.Equal(t, fanout.Reason{Kind: fanout.KindBudget}, a.Reason())
					assert.True(t, a.Hedge)
					assert.Equal(t, test.at, a.Started.Sub(began))
				}
			})
		})
	}
}

func TestTenCallsThatEndWellPayForOneHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := saving(12)
		p.spend(t, 0)
		p.well(t, 9)
		assert.InDelta(t, 0.9, p.Budget(), 0)
		_, sent := p.call(t, fanout.Smart, fails(ms))
		assert.Equal(t, 1, sent)
		p.well(t, 1)
		got, sent := p.call(t, fanout.Smart, fails(ms), fails(ms))
		assert.Equal(t, outcomes(fanout.Failed, fanout.Failed, fanout.Refused), got, "one hedge goes, the other is refused")
		assert.Equal(t, 2, sent)
		assert.InDelta(t, 0, p.Budget(), 0)
	})
}

func TestEachCallSaysWhatItPaysForHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := saving(12)
		p.spend(t, 0)
		p.budget = 0.5
		p.well(t, 3)
		assert.InDelta(t, 1.5, p.Budget(), 0)
		p.budget = 0
		p.well(t, 10)
		_, sent := p.call(t, fanout.Smart, fails(ms), fails(ms), fails(ms))
		assert.Equal(t, 3, sent, "a call without a budget takes no hedges of it")
		assert.InDelta(t, 1.5, p.Budget(), 0, "and pays for none")
		p.budget = 0.1
		_, sent = p.call(t, fanout.Smart, fails(ms), fails(ms))
		assert.Equal(t, 2, sent, "the budget is one for all calls")
	})
}
