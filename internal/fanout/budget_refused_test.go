package fanout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

// kinds are the reasons of the attempts of an answer.
func kinds(attempts []fanout.Attempt) []fanout.Kind {
	kinds := make([]fanout.Kind, len(attempts))
	for i, a := range attempts {
		kinds[i] = a.Reason().Kind
	}
	return kinds
}

func TestWhatTheCapRefusesCostsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		earned int // calls, from an empty budget
		second fanout.Kind
		third  fanout.Kind
		left   float64
	}{
		"hedges for all":  {25, fanout.KindCap, fanout.KindCap, 2.5},
		"hedges for one":  {15, fanout.KindCap, fanout.KindBudget, 1.5},
		"hedges for none": {5, fanout.KindBudget, fanout.KindBudget, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript()
				settings := s.settings()
				s.budget, settings.MaxInFlight = 0.1, 2
				p := paced{s, fanout.New[int](settings)}
				p.spend(t)
				p.earn(t, test.earned)

				p.steps = []step{succeeds(500*ms, 1)}
				other := p.plan(time.Second, fanout.First)
				other.Producers = 1
				go func() { _, _ = p.Do(t.Context(), other) }()
				answer, err := p.Do(t.Context(), p.plan(time.Second, fanout.Smart))
				require.NoError(t, err)
				assert.Equal(t, []fanout.Kind{"", test.second, test.third}, kinds(answer.Attempts))
				p.holds(t, test.left+0.1)
				p.Wait()
			})
		})
	}
}

func TestWhatAPlaceThatAsksForTimeRefusesCostsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		asked []int // places of three; the first attempt goes to 0
		full  bool  // the budget, else it is empty
		kinds []fanout.Kind
		left  float64
	}{
		"all of them":                          {[]int{1, 2}, true, []fanout.Kind{"internal error", fanout.KindPushback, fanout.KindPushback}, 10},
		"the second":                           {[]int{1}, true, []fanout.Kind{"internal error", fanout.KindPushback, "internal error"}, 9},
		"the third":                            {[]int{2}, true, []fanout.Kind{"internal error", "internal error", fanout.KindPushback}, 9},
		"all of them, and the budget is empty": {[]int{1, 2}, false, []fanout.Kind{"internal error", fanout.KindPushback, fanout.KindPushback}, 0},
		"the second, and the budget is empty":  {[]int{1}, false, []fanout.Kind{"internal error", fanout.KindPushback, fanout.KindBudget}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript()
				settings := s.settings()
				s.budget, settings.Places = 0.1, 3
				p := paced{s, fanout.New[int](settings)}
				if !test.full {
					p.spend(t)
				}
				plan := p.plan(time.Second, fanout.First)
				plan.Place = func(number int) int { return number }
				p.steps, p.ended = []step{fails(0), fails(0), fails(0)}, make([]time.Duration, 3)
				for _, place := range test.asked {
					p.steps[place] = asksToWait(0, time.Minute)
				}
				_, _ = p.Do(t.Context(), plan)

				p.steps = []step{fails(0), fails(0), fails(0)}
				plan.Strategy = fanout.Smart[int]
				answer, err := p.Do(t.Context(), plan)
				require.ErrorIs(t, err, fanout.ErrFailed)
				assert.Equal(t, test.kinds, kinds(answer.Attempts))
				p.holds(t, test.left)
			})
		})
	}
}
