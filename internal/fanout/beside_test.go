package fanout_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestAHedgeIsToldWhenTheOldestAttemptBegan(t *testing.T) {
	inTurn := func(c *fanout.Call[int]) ([]int, error) { // a second attempt beside the first, and a hedge when the first has failed
		for range 2 {
			if err := c.Fire(1); err != nil {
				return nil, err
			}
			time.Sleep(10 * ms)
		}
		r, _ := c.Next()
		c.FireAfter(time.Minute, 1)
		c.FireHeld()
		for r.Err != nil {
			r, _ = c.Next()
		}
		return []int{r.Value}, nil
	}
	const none = -1 // it is not told of any
	for name, test := range map[string]struct {
		strategy fanout.Strategy[int]
		steps    []step
		beside   []time.Duration // by attempt
	}{
		"the first is silent": {fanout.Smart[int], []step{succeeds(hangs, 1), succeeds(ms, 2), succeeds(ms, 3)}, []time.Duration{none, 0, 0}},
		"the first failed":    {fanout.Smart[int], []step{fails(ms), succeeds(ms, 2), succeeds(ms, 3)}, []time.Duration{none, none, none}},
		"no hedges":           {fanout.First[int], []step{succeeds(ms, 1), succeeds(ms, 2), succeeds(ms, 3)}, []time.Duration{none, none, none}},
		"the second runs on":  {inTurn, []step{fails(15 * ms), succeeds(hangs, 2), succeeds(ms, 3)}, []time.Duration{none, none, 10 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(test.steps...)
				var mu sync.Mutex
				beside := make([]time.Duration, len(test.steps))
				plan := s.plan(time.Minute, test.strategy)
				plan.Source = func(ctx context.Context, a fanout.Attempt) (int, error) {
					mu.Lock()
					beside[a.Number] = none
					if a.Beside > 0 {
						beside[a.Number] = a.Started.Add(-a.Beside).Sub(s.began)
					}
					mu.Unlock()
					return s.source(ctx, a)
				}
				service := fanout.New[int](s.settings())
				_, err := service.Do(t.Context(), plan)
				require.NoError(t, err)
				service.Wait()
				assert.Equal(t, test.beside, beside)
			})
		})
	}
}

func TestAnAttemptsContextHasTheCallersValuesAndNoDeadline(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(ms, 1))
		plan := s.plan(time.Minute, fanout.First[int])
		plan.Producers = 1
		plan.Source = func(ctx context.Context, a fanout.Attempt) (int, error) {
			assert.Equal(t, "the caller's", ctx.Value(key{}))
			_, has := ctx.Deadline()
			assert.False(t, has)
			return s.source(ctx, a)
		}
		caller, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "the caller's"), time.Minute)
		defer cancel()
		_, err := fanout.New[int](s.settings()).Do(caller, plan)
		require.NoError(t, err)
	})
}
