package property

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"time"

	"pgregory.net/rapid"

	"hedgerow/internal/fanout"
	"hedgerow/internal/quota"
	"hedgerow/test/pause"
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
	budget   int                            // what was left at the answer, in thousandths of a hedge
	load     load                           // of the quota at the answer
	told     []told
	saved    []time.Duration
}

// told is what the engine told of a duration.
type told struct {
	d     time.Duration
	ended bool
}

// durations is a fanout.Durations of one call.
type durations struct {
	run  *run
	call *seen
}

func (d durations) Record(duration time.Duration, ended bool) {
	d.run.mu.Lock()
	defer d.run.mu.Unlock()
	d.call.told = append(d.call.told, told{duration, ended})
}

// run is a plan on its way through the engine.
type run struct {
	plan  plan
	began time.Time
	quota *quota.Bucket // nil: there is none, or the plan has not begun

	mu      sync.Mutex
	calls   [maxCalls]seen
	numbers map[context.Context]int // of the calls, by the context that each was made with
}

// runPlan runs p in a bubble to its very end.
func runPlan(t *rapid.T, p plan) *run {
	r := &run{plan: p, numbers: map[context.Context]int{}}
	rapid.SyncTest(t, func(t *rapid.T) {
		settings := fanout.Settings{LoserGrace: p.Grace, MaxInFlight: p.MaxInFlight, Places: p.Places, Observe: r.observe, Saved: r.save}
		if p.Quota.Rate > 0 {
			settings.Quota = r
		}
		service := fanout.New[int](settings)
		spend(service, p.Spent)
		r.quota = p.Quota.bucket()
		r.began = time.Now()
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

// Wait and Spare are the plan's quota. Nothing bounds those that only spend.
func (r *run) Wait(ctx context.Context, n int, until time.Time) (granted int, retryAfter time.Duration) {
	if r.quota == nil {
		return n, 0
	}
	return r.quota.Wait(ctx, n, until)
}

func (r *run) Spare(n int) int {
	if r.quota == nil {
		return n
	}
	return r.quota.Spare(n)
}

// spend takes hedges out of the budget, in no time.
func spend(service *fanout.Service[int], hedges int) {
	for range hedges {
		_, _ = service.Do(context.Background(), fanout.Plan[int]{
			Source: func(context.Context, fanout.Attempt) (int, error) { return 0, errPlanned },
			Strategy: func(c *fanout.Call[int]) ([]int, error) {
				c.FireAfter(never, 1)
				c.FireHeld()
				_, _ = c.Next()
				return nil, fanout.ErrFailed
			},
			Arrival: time.Now(), Timeout: never, Producers: 1, Budget: 1,
		})
	}
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
		Producers: r.plan.Producers, HedgeDelay: c.Delay, HedgeLeast: c.Least, Budget: float64(c.Pays) / aHedge,
		Durations: durations{r, &r.calls[number]}, Place: func(attempt int) int { return r.plan.place(number, attempt) },
	})
	left, load := service.Budget(), loadOf(r.quota)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.calls[number]
	s.answers++
	s.budget, s.load = int(math.Round(left*aHedge)), load
	s.err, s.at, s.values, s.standing = err, time.Since(r.began), answer.Values, answer.Attempts
}

func (r *run) attempt(ctx context.Context, call, number int) (int, error) {
	r.mu.Lock()
	r.calls[call].sent[number]++
	r.mu.Unlock()
	a := r.plan.Calls[call].Attempts[number]
	if a.Deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if err := pause.For(ctx, a.After); err != nil {
		return 0, err
	}
	switch a.Ending {
	case succeeds:
		return number, nil
	case panics:
		panic("planned panic")
	case exits:
		runtime.Goexit()
	case fails:
		if a.Asks > 0 {
			return 0, &fanout.Failure{Reason: fanout.Reason{Kind: "planned"}, RetryAfter: a.Asks}
		}
	}
	return 0, errPlanned
}

func (r *run) observe(ctx context.Context, a fanout.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number, ok := r.numbers[ctx]; ok { // it is none that only spends
		settled := &r.calls[number].settled[a.Number]
		*settled = append(*settled, a)
	}
}

func (r *run) save(ctx context.Context, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.calls[r.numbers[ctx]]
	s.saved = append(s.saved, d)
}
