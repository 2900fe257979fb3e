package fanout_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
)

func TestAHedgeOfTheTimerIsSentOnlyWhenItCanStillEndInTime(t *testing.T) {
	for name, test := range map[string]struct {
		delay, least time.Duration // of a timeout of a second
		first        step
		sent         []time.Duration
	}{
		"enough is left":                           {300 * ms, 700 * ms, succeeds(hangs, 1), []time.Duration{0, 300*ms + tick, 300*ms + tick}},
		"a nanosecond too little is left":          {300 * ms, 700*ms + 1, succeeds(hangs, 1), alone},
		"more is needed than the timeout":          {300 * ms, time.Hour, succeeds(hangs, 1), alone},
		"the delay is the timeout":                 {time.Second, 0, succeeds(hangs, 1), alone},
		"the delay is beyond the deadline":         {time.Hour, 0, succeeds(hangs, 1), alone},
		"the first fails before the delay":         {300 * ms, 700*ms + 1, fails(200 * ms), []time.Duration{0, 200 * ms, 200 * ms}},
		"the first fails after the delay":          {300 * ms, 700*ms + 1, fails(999 * ms), []time.Duration{0, 999 * ms, 999 * ms}},
		"the first fails, the delay is too long":   {time.Hour, 0, fails(999 * ms), []time.Duration{0, 999 * ms, 999 * ms}},
		"the first fails at once":                  {300 * ms, 0, fails(0), []time.Duration{0, 0, 0}},
		"the first fails at once, no time will do": {300 * ms, time.Hour, fails(0), []time.Duration{0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(test.first, succeeds(hangs, 2), succeeds(hangs, 3))
				service := fanout.New[int](s.settings())
				plan := s.plan(time.Second, fanout.Smart)
				plan.HedgeDelay, plan.HedgeLeast = test.delay, test.least
				answer, err := service.Do(t.Context(), plan)
				assert.Equal(t, fanout.ErrTimedOut, err)
				service.Wait()
				assert.Equal(t, test.sent, s.sent)
				assert.Len(t, answer.Attempts, len(test.sent), "an attempt that is still held back is not refused")
			})
		})
	}
}

func TestWhatIsLeftForAHedgeIsSeenWhenItIsSent(t *testing.T) {
	for name, test := range map[string]struct {
		heldUp time.Duration // the call, from its beginning
		least  time.Duration
		sent   []time.Duration
	}{
		"too little":              {601 * ms, 400 * ms, alone},
		"a nanosecond":            {time.Second, 0, []time.Duration{0, time.Second, time.Second}},
		"nothing":                 {time.Second + tick, 0, alone},
		"the deadline has passed": {time.Hour, 0, alone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for range 20 { // what is left to chance does not keep a promise twenty times
					s := newScript(succeeds(hangs, 1), succeeds(hangs, 2), succeeds(hangs, 3))
					service := fanout.New[int](s.settings())
					plan := s.plan(time.Second, func(c *fanout.Call[int]) ([]int, error) {
						if err := c.Fire(1); err != nil {
							return nil, err
						}
						c.FireAfter(c.HedgeDelay(), 2)
						time.Sleep(test.heldUp)
						_, err := c.Next()
						return nil, err
					})
					plan.HedgeLeast = test.least
					_, err := service.Do(t.Context(), plan)
					assert.Equal(t, fanout.ErrTimedOut, err)
					service.Wait()
					assert.Equal(t, test.sent, s.sent)
				}
			})
		})
	}
}

func TestNothingIsSentForACallThatIsOver(t *testing.T) {
	for name, test := range map[string]struct {
		heldUp time.Duration // the strategy, from the beginning of the call
		gone   bool          // the caller, meanwhile
		sent   []time.Duration
	}{
		"at the deadline":         {time.Second, false, []time.Duration{0, time.Second, time.Second}},
		"behind the deadline":     {time.Second + tick, false, alone},
		"the caller is there":     {500 * ms, false, []time.Duration{0, 500 * ms, 500 * ms}},
		"the caller has gone":     {500 * ms, true, alone},
		"long after the deadline": {time.Hour, false, alone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(fails(0), succeeds(hangs, 2), succeeds(hangs, 3))
				service := fanout.New[int](s.settings())
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				_, _ = service.Do(ctx, s.plan(time.Second, func(c *fanout.Call[int]) ([]int, error) {
					_ = c.Fire(1)
					c.FireAfter(time.Hour, 2)
					time.Sleep(test.heldUp)
					if test.gone {
						leave()
					}
					c.FireHeld()
					return nil, fanout.ErrFailed
				}))
				service.Wait()
				assert.Equal(t, test.sent, s.sent)
			})
		})
	}
}
