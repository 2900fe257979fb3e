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

	mu    sync.Mutex
	calls [maxCalls]seen
}

type callKey struct{}

// runPlan runs p in a bubble to its very end.
func runPlan(t *rapid.T, p plan) *run {
	r := &run{plan: p}
	rapid.SyncTest(t, func(t *rapid.T) {
		r.began = time.Now()
		service := fanout.New(r.source, fanout.Settings{
			Producers: p.Producers, HedgeDelay: p.HedgeDelay, LoserGrace: p.Grace, MaxInFlight: p.MaxInFlight, Observe: r.observe,
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
	ctx, leave := context.WithCancel(context.WithValue(context.Background(), callKey{}, number))
	defer leave()
	if c.Leaves == 0 {
		leave()
	} else {
		defer time.AfterFunc(c.Leaves, leave).Stop()
	}
	answer, err := service.Do(ctx, time.Now().Add(-c.Waited), c.Waited+c.Timeout, strategies[c.Strategy])
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.calls[number]
	s.answers++
	s.err, s.at, s.values, s.standing = err, time.Since(r.began), answer.Values, answer.Attempts
}

func (r *run) source(ctx context.Context, number int) (int, error) {
	call, _ := ctx.Value(callKey{}).(int)
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

func (r *run) observe(a fanout.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	call := a.Started.Sub(r.began) % ms / stagger
	settled := &r.calls[call].settled[a.Number]
	*settled = append(*settled, a)
}
