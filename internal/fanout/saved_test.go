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

// fruitless is a strategy that has no answer although a hedge has won.
func fruitless(c *fanout.Call[int]) ([]int, error) {
	_, _ = fanout.Smart(c)
	return nil, fanout.ErrFailed
}

// both is a strategy that answers with what two hedges have.
func both(c *fanout.Call[int]) ([]int, error) {
	if err := c.Fire(1); err != nil {
		return nil, err
	}
	c.FireAfter(c.HedgeDelay(), 2)
	_, _ = c.Next()
	_, err := c.Next()
	return []int{2, 3}, err
}

func TestAHedgeThatWinsHasSavedTheTimeUntilTheFirstAttemptEnds(t *testing.T) {
	none := []time.Duration(nil)
	for name, test := range map[string]struct {
		strategy fanout.Strategy[int]
		grace    time.Duration
		leaves   time.Duration // the caller
		steps    []step
		saved    []time.Duration
	}{
		"it ends late": {fanout.Smart[int], grace, hangs, []step{succeeds(400*ms, 1), succeeds(50*ms, 2), succeeds(hangs, 3)}, []time.Duration{50*ms - tick}},
		"it ends late, and the second hedge has won": {
			fanout.Smart[int], grace, hangs, []step{succeeds(400*ms, 1), succeeds(60*ms, 2), succeeds(50*ms, 3)}, []time.Duration{50*ms - tick},
		},
		"it ends a nanosecond later": {fanout.Smart[int], grace, hangs, []step{succeeds(350*ms+tick+1, 1), succeeds(50*ms, 2), fails(ms)}, []time.Duration{1}},
		"it ends late, and the first hedge has failed": {
			fanout.Smart[int], grace, hangs, []step{succeeds(400*ms, 1), fails(10 * ms), succeeds(50*ms, 3)}, []time.Duration{50*ms - tick},
		},
		"it ends late, and the other hedge much later": {
			fanout.Smart[int], time.Second, hangs, []step{succeeds(400*ms, 1), succeeds(500*ms, 2), succeeds(50*ms, 3)}, []time.Duration{50*ms - tick},
		},
		"it ends late, and two hedges have won": {both, grace, hangs, []step{succeeds(400*ms, 1), succeeds(50*ms, 2), succeeds(60*ms, 3)}, []time.Duration{50*ms - tick}},
		"it fails late":                         {fanout.Smart[int], grace, hangs, []step{fails(500 * ms), succeeds(50*ms, 2), succeeds(hangs, 3)}, []time.Duration{150*ms - tick}},
		"it panics late":                        {fanout.Smart[int], grace, hangs, []step{panics(500 * ms), succeeds(50*ms, 2), fails(ms)}, []time.Duration{150*ms - tick}},
		"it is cut":                             {fanout.Smart[int], grace, hangs, []step{succeeds(hangs, 1), succeeds(50*ms, 2), fails(ms)}, []time.Duration{grace}},
		"it is cut at once, without a grace": {
			fanout.Smart[int], 0, hangs, []step{succeeds(hangs, 1), succeeds(50*ms, 2), fails(ms)}, none,
		},
		"it ends at the same moment":      {fanout.Smart[int], grace, hangs, []step{succeeds(350*ms+tick, 1), succeeds(50*ms, 2), fails(ms)}, none},
		"it failed before the hedge":      {fanout.Smart[int], grace, hangs, []step{fails(200 * ms), succeeds(50*ms, 2), succeeds(100*ms, 3)}, none},
		"it failed beside the hedge":      {fanout.Smart[int], grace, hangs, []step{fails(320 * ms), succeeds(50*ms, 2), succeeds(100*ms, 3)}, none},
		"it wins, and the hedges lose":    {fanout.Smart[int], grace, hangs, []step{succeeds(320*ms, 1), succeeds(50*ms, 2), succeeds(100*ms, 3)}, none},
		"there is no answer":              {fanout.Smart[int], grace, hangs, []step{succeeds(hangs, 1), fails(50 * ms), fails(ms)}, none},
		"the caller leaves":               {fanout.Smart[int], grace, 340 * ms, []step{succeeds(400*ms, 1), succeeds(50*ms, 2), fails(ms)}, none},
		"the strategy has no answer":      {fruitless, grace, hangs, []step{succeeds(400*ms, 1), succeeds(50*ms, 2), fails(ms)}, none},
		"none of the attempts is a hedge": {fanout.First[int], grace, hangs, []step{succeeds(400*ms, 1), succeeds(300*ms, 2), fails(ms)}, none},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(test.steps...)
				settings := s.settings()
				settings.LoserGrace = test.grace
				ctx, leave := context.WithTimeout(t.Context(), test.leaves)
				defer leave()
				var saved []time.Duration
				settings.Saved = func(of context.Context, d time.Duration) {
					assert.Equal(t, ctx, of)
					saved = append(saved, d)
				}
				service := fanout.New[int](settings)
				_, _ = service.Do(ctx, s.plan(time.Second, test.strategy))
				leave() // what is done by then is still the context of the call
				service.Wait()
				assert.Equal(t, test.saved, saved)
			})
		})
	}
}

func TestWhatAHedgeHasSavedIsToldWhenTheFirstAttemptHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(400*ms, 1), succeeds(50*ms, 2), succeeds(hangs, 3))
		settings := s.settings()
		var at time.Duration
		settings.Saved = func(context.Context, time.Duration) { at = time.Since(s.began) }
		service := fanout.New[int](settings)
		_, err := service.Do(t.Context(), s.plan(time.Second, fanout.Smart))
		require.NoError(t, err)
		assert.Equal(t, hedge+tick+50*ms, time.Since(s.began))
		service.Wait()
		assert.Equal(t, 400*ms, at)
	})
}
