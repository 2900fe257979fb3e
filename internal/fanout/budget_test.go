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

// saving is a service whose calls pay for hedges, at 0.1 a call.
func saving() paced {
	p := newPaced()
	p.budget = 0.1
	return p
}

// holds checks what is left of the budget.
func (p paced) holds(t *testing.T, hedges float64) {
	t.Helper()
	assert.InDelta(t, hedges, p.Budget(), 0, "left of the budget")
}

// spend empties a full budget.
func (p paced) spend(t *testing.T) {
	t.Helper()
	for range 5 {
		got, _ := p.call(t, fanout.Smart, fails(ms), fails(ms), fails(ms))
		require.Equal(t, outcomes(fanout.Failed, fanout.Failed, fanout.Failed), got)
	}
	for _, a := range p.settled {
		require.Equal(t, a.Number > 0, a.Hedge)
	}
	p.holds(t, 0)
}

// earn makes calls that end well without a hedge.
func (p paced) earn(t *testing.T, calls int) {
	t.Helper()
	for range calls {
		got, _ := p.call(t, fanout.Smart, succeeds(ms, 1))
		require.Equal(t, outcomes(fanout.Won), got)
	}
}

func TestAnEmptyBudgetRefusesHedgesAndTheFirstAttemptGoesOn(t *testing.T) {
	for name, test := range map[string]struct {
		first   step
		outcome fanout.Outcome
		hedged  time.Duration
	}{
		"after the delay":            {succeeds(500*ms, 1), fanout.Won, hedge + tick},
		"after a failure":            {fails(50 * ms), fanout.Failed, 50 * ms},
		"after a failure at once":    {fails(0), fanout.Failed, 0},
		"after the delay, a failure": {fails(500 * ms), fanout.Failed, hedge + tick},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := saving()
				p.spend(t)
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
					assert.Equal(t, test.hedged, a.Started.Sub(began))
				}
			})
		})
	}
}

func TestCallsThatEndWellPayForHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := saving()
		p.spend(t)
		p.earn(t, 9)
		p.holds(t, 0.9)
		_, sent := p.call(t, fanout.Smart, fails(ms))
		assert.Equal(t, 1, sent, "nine tenths of a hedge is none")
		p.earn(t, 6)
		p.holds(t, 1.5)
		got, sent := p.call(t, fanout.Smart, fails(ms), fails(ms))
		assert.Equal(t, outcomes(fanout.Failed, fanout.Failed, fanout.Refused), got, "one goes, the other is refused")
		assert.Equal(t, 2, sent)
		p.holds(t, 0.5)
		p.earn(t, 5)
		got, _ = p.call(t, fanout.Smart, succeeds(500*ms, 1), succeeds(ms, 2))
		assert.Equal(t, outcomes(fanout.Running, fanout.Won, fanout.Refused), got)
		p.holds(t, 0.1) // a call that a hedge won has ended well too
	})
}

func TestABudgetHoldsTenHedgesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := saving()
		p.holds(t, 10)
		p.earn(t, 5)
		p.holds(t, 10)
		p.spend(t)
		p.earn(t, 110)
		p.holds(t, 10)
	})
}

func TestAnAPIThatIsDownGetsTenRequestsMoreThanCalls(t *testing.T) {
	for name, first := range map[string]step{"it refuses": fails(0), "it fails slowly": fails(500 * ms), "it is silent": succeeds(hangs, 1)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := saving()
				sent := 0
				for range 100 {
					_, n := p.call(t, fanout.Smart, first, first, first)
					sent += n
				}
				assert.Equal(t, 110, sent)
				p.earn(t, 10)
				p.holds(t, 1)
			})
		})
	}
}

func TestOnlyHedgingCallsThatEndWellAddToTheBudget(t *testing.T) {
	failing := []step{fails(ms), fails(ms), fails(ms)}
	well := []step{succeeds(ms, 1), succeeds(ms, 2), succeeds(ms, 3)}
	for name, test := range map[string]struct {
		strategy  fanout.Strategy[int]
		producers int
		steps     []step
		adds      float64
	}{
		"smart":                       {fanout.Smart[int], 3, well, 0.1},
		"smart with a single attempt": {fanout.Smart[int], 1, well, 0.1},
		"smart fails":                 {fanout.Smart[int], 3, failing, 0},
		"smart times out":             {fanout.Smart[int], 1, []step{succeeds(hangs, 1)}, 0},
		"first":                       {fanout.First[int], 3, well, 0},
		"all":                         {fanout.All[int], 3, well, 0},
		"within-timeout":              {fanout.WithinTimeout[int], 3, well, 0},
		"first fails":                 {fanout.First[int], 3, failing, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := saving()
				p.spend(t)
				p.steps, p.ended = test.steps, make([]time.Duration, 3)
				plan := p.plan(time.Second, test.strategy)
				plan.Producers = test.producers
				_, _ = p.Do(t.Context(), plan)
				p.Wait()
				p.holds(t, test.adds)
			})
		})
	}
	t.Run("abandoned", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := saving()
			p.spend(t)
			ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
			defer cancel()
			p.steps = []step{succeeds(100*ms, 1)}
			_, err := p.Do(ctx, p.plan(time.Second, fanout.Smart))
			require.ErrorIs(t, err, fanout.ErrAbandoned)
			p.Wait()
			p.holds(t, 0)
		})
	})
}

func TestWithoutABudgetHedgesAreNotBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced()
		for range 20 {
			_, sent := p.call(t, fanout.Smart, fails(ms), fails(ms), fails(ms))
			require.Equal(t, 3, sent)
		}
		p.holds(t, 10)
	})
}

func TestEachCallSaysWhatItPaysForHedges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := saving()
		p.spend(t)
		p.budget = 0.5
		p.earn(t, 3)
		p.holds(t, 1.5)
		p.budget = 0
		p.earn(t, 10)
		_, sent := p.call(t, fanout.Smart, fails(ms), fails(ms), fails(ms))
		assert.Equal(t, 3, sent, "a call without a budget takes no hedges of it")
		p.holds(t, 1.5) // and pays for none
		p.budget = 0.1
		_, sent = p.call(t, fanout.Smart, fails(ms), fails(ms))
		assert.Equal(t, 2, sent, "the budget is one for all calls")
		p.budget = 10
		p.earn(t, 1)
		p.holds(t, 10)
		p.budget = 0.000001
		p.call(t, fanout.Smart, fails(ms), fails(ms), fails(ms))
		p.holds(t, 8) // the smallest budget is one too
	})
}
