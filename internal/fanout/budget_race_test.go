package fanout_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
)

// crowd makes calls of one service from 64 goroutines at once, and counts.
type crowd struct {
	*fanout.Service[int]
	pays float64      // each call
	sent atomic.Int64 // hedges
	well atomic.Int64 // calls
}

const goroutines = 64

func newCrowd(pays float64, most int) *crowd {
	return &crowd{Service: fanout.New[int](fanout.Settings{MaxInFlight: most}), pays: pays}
}

// call makes one call that fires its hedges at once.
func (c *crowd) call(hedges int, well bool) {
	err := fanout.ErrFailed
	if well {
		err = nil
	}
	answer, _ := c.Do(context.Background(), fanout.Plan[int]{
		Source:  func(context.Context, fanout.Attempt) (int, error) { return 0, nil },
		Arrival: time.Now(), Timeout: time.Hour, Producers: 1 + hedges, Budget: c.pays,
		Strategy: func(call *fanout.Call[int]) ([]int, error) {
			call.FireAfter(time.Hour, hedges)
			call.FireHeld()
			for call.Running() > 0 {
				_, _ = call.Next()
			}
			return nil, err
		},
	})
	for _, a := range answer.Attempts {
		if a.Outcome != fanout.Refused {
			c.sent.Add(1)
		}
	}
	if well {
		c.well.Add(1)
	}
}

// run has every goroutine make its calls.
func (c *crowd) run(t *testing.T, calls int, next func() (hedges int, well bool)) {
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range calls {
				c.call(next())
				left := c.Budget()
				assert.True(t, 0 <= left && left <= 10, "%v hedges left", left)
			}
		})
	}
	all.Wait()
}

func TestABudgetRacedBy64GoroutinesLosesAndMintsNothing(t *testing.T) {
	for name, most := range map[string]int{"no cap": 1 << 20, "a cap that often refuses": 2} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(0.002, most)
			for c.Budget() > 0 {
				c.call(1, false)
			}
			assert.EqualValues(t, 10, c.sent.Swap(0))
			c.run(t, 50, func() (int, bool) { return rand.IntN(4), true })
			assert.InDelta(t, float64(c.well.Load())*0.002-float64(c.sent.Load()), c.Budget(), 1e-9)
			if most > 2 {
				assert.Positive(t, c.sent.Load())
			}
		})
	}
}

func TestABudgetRacedBy64GoroutinesHasTenHedges(t *testing.T) {
	c := newCrowd(0.1, 1<<20)
	c.run(t, 10, func() (int, bool) { return 2, false })
	assert.EqualValues(t, 10, c.sent.Load())
	assert.Zero(t, c.Budget())
}

func TestABudgetRacedBy64GoroutinesHoldsTenAtMost(t *testing.T) {
	c := newCrowd(1, 1<<20)
	c.run(t, 50, func() (int, bool) { return rand.IntN(3), true })
	assert.LessOrEqual(t, c.sent.Load(), 10+c.well.Load())
	for range 10 {
		c.call(0, true)
	}
	assert.InDelta(t, 10, c.Budget(), 0)
}
