package property

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"pgregory.net/rapid"

	"hedgerow/internal/fanout"
)

var errPlanned = errors.New("planned failure")

// seen is what a call did when the engine ran it.
type seen struct {
	answers  int
	err      error
	at       time.Duration // of the answer, since the plan began
	values   []int
	standing []fanout.Attempt
	settled  [maxProducers][]fanout.Attempt // what the observer was told, by the attempt's number
	sent     [maxProducers]int              // how often the source was asked
}

// run is a plan on its way through the engine.
type run struct {
	plan  plan
	began time.Time

	mu      sync.Mutex
	calls   [maxCalls]seen
	numbers map[context.Context]int // of the calls, by the context that each was made with
}

// runPlan runs p in a bubble to its very end.
func runPlan(t *rapid.T, p plan) *run {
	r := &run{plan: p, numbers: map[context.Context]int{}}
	rapid.SyncTest(t, func(t *rapid.T) {
		r.began = time.Now()
		service := fanout.New[int](fanout.Settings{
			LoserGrace: p.Grace, MaxInFlight: p.MaxInFlight, Observe: r.observe,
		})
		var callers sync.WaitGroup
		for i := range p.Calls {
			callers.Go(func() { r.call(service, i) })
		}
		callers.Wait()
		service.Wait()
		if n := service.InFlight(); n != 0 {
			t.Fatalf("%d attempts in flight after the end of all", n)
		}
	})
	return r
}

func (r *run) call(service *fanout.Service[int], number int) {
	c := r.plan.Calls[number]
	time.Sleep(c.Begins)
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	r.mu.Lock()
	r.numbers[ctx] = number
	r.mu.Unlock()
	if c.Leaves == 0 {
		leave()
	} else {
		defer time.AfterFunc(c.Leaves, leave).Stop()
	}
	answer, err := service.Do(ctx, fanout.Plan[int]{
		Source:   func(ctx context.Context, a fanout.Attempt) (int, error) { return r.attempt(ctx, number, a.Number) },
		Strategy: strategies[c.Strategy], Arrival: time.Now().Add(-c.Waited), Timeout: c.Waited + c.Timeout,
		Producers: r.plan.Producers, HedgeDelay: r.plan.HedgeDelay,
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.calls[number]
	s.answers++
	s.err, s.at, s.values, s.standing = err, time.Since(r.began), answer.Values, answer.Attempts
}

func (r *run) attempt(ctx context.Context, call, number int) (int, error) {
	r.mu.Lock()
	r.calls[call].sent[number]++
	r.mu.Unlock()
	a := r.plan.Calls[call].Attempts[number]
	cancelled := ctx.Done()
	if a.Deaf {
		cancelled = nil
	}
	timer := time.NewTimer(a.After)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-cancelled:
		return 0, ctx.Err()
	}
	switch a.Ending {
	case succeeds:
		return number, nil
	case panics:
		panic("planned panic")
	case exits:
		runtime.Goexit()
	case fails:
	}
	return 0, errPlanned
}

func (r *run) observe(ctx context.Context, a fanout.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	settled := &r.calls[r.numbers[ctx]].settled[a.Number]
	*settled = append(*settled, a)
}
