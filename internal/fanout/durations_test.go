package fanout_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
)

// told is what a Durations is told.
type told struct {
	d     time.Duration
	ended bool
}

// diary is a Durations that writes down what it is told.
type diary struct {
	mu   sync.Mutex
	told []told
}

func (d *diary) Record(duration time.Duration, ended bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, told{duration, ended})
}

func TestDurationsAreThoseOfSuccessesAndOfAttemptsThatWereCut(t *testing.T) {
	for name, test := range map[string]struct {
		strategy fanout.Strategy[int]
		timeout  time.Duration
		leaves   time.Duration // the caller
		steps    []step
		told     []told // in the order of ending
	}{
		"won, and late": {
			fanout.First[int], time.Second, hangs, []step{succeeds(100*ms, 1), succeeds(200*ms, 2), succeeds(300*ms, 3)},
			[]told{{100 * ms, true}, {200 * ms, true}, {300 * ms, true}},
		},
		"a failure before the answer, one after it": {
			fanout.First[int], time.Second, hangs, []step{succeeds(100*ms, 1), fails(50 * ms), fails(200 * ms)}, []told{{100 * ms, true}},
		},
		"panics": {fanout.First[int], time.Second, hangs, []step{succeeds(100*ms, 1), panics(50 * ms), panics(200 * ms)}, []told{{100 * ms, true}}},
		"cut when the grace is over": {
			fanout.First[int], time.Second, hangs, []step{succeeds(100*ms, 1), succeeds(hangs, 2), fails(hangs)},
			[]told{{100 * ms, true}, {100*ms + grace, false}, {100*ms + grace, false}},
		},
		"all of a call's successes": {
			fanout.All[int], time.Second, hangs, []step{succeeds(100*ms, 1), fails(150 * ms), succeeds(200*ms, 3)},
			[]told{{100 * ms, true}, {200 * ms, true}},
		},
		"a success, a failure and a cut after the deadline": {
			fanout.WithinTimeout[int], 100 * ms, hangs, []step{succeeds(150*ms, 1), fails(160 * ms), succeeds(hangs, 3)},
			[]told{{150 * ms, true}, {100*ms + tick + grace, false}},
		},
		"a hedge's own": {
			fanout.Smart[int], time.Second, hangs, []step{succeeds(500*ms, 1), succeeds(50*ms, 2), succeeds(hangs, 3)},
			[]told{{50 * ms, true}, {500 * ms, true}, {50*ms + grace, false}},
		},
		"the caller leaves": {
			fanout.Smart[int], time.Second, 350 * ms, []step{succeeds(hangs, 1), succeeds(hangs, 2), fails(10 * ms)},
			[]told{{350 * ms, false}, {50*ms - tick, false}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(test.steps...)
				var d diary
				service := fanout.New[int](s.settings())
				plan := s.plan(test.timeout, test.strategy)
				plan.Durations = &d
				ctx, cancel := context.WithTimeout(t.Context(), test.leaves)
				defer cancel()
				_, _ = service.Do(ctx, plan)
				service.Wait()
				assert.ElementsMatch(t, test.told, d.told)
			})
		})
	}
}

func TestTheDurationOfASuccessIsTheTrueOneAlsoWhenItWasCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		var d diary
		service := fanout.New[int](s.settings())
		plan := s.plan(time.Second, fanout.First)
		plan.Producers, plan.Durations = 2, &d
		plan.Source = func(ctx context.Context, a fanout.Attempt) (int, error) {
			if a.Number == 1 {
				<-ctx.Done()
				time.Sleep(ms)
			}
			return a.Number, nil
		}
		_, _ = service.Do(t.Context(), plan)
		service.Wait()
		assert.Equal(t, []told{{0, true}, {grace + ms, true}}, d.told)
	})
}

func TestAttemptsThatAreNotSentHaveNoDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(500*ms, 1))
		settings := s.settings()
		settings.MaxInFlight = 1
		var d diary
		plan := s.plan(time.Second, fanout.Smart)
		plan.Durations = &d
		_, _ = fanout.New[int](settings).Do(t.Context(), plan)
		assert.Equal(t, []told{{500 * ms, true}}, d.told)
	})
}
