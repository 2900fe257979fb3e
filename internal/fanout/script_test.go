package fanout_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/test/pause"
)

const (
	tick  = time.Nanosecond // a timer fires this much past its time, see fanout
	ms    = time.Millisecond
	hedge = 300 * ms
	grace = 250 * ms
	hangs = 24 * time.Hour
)

var errScripted = errors.New("scripted failure")

// step is what one attempt does: after a while it ends with value or err, or earlier when it is cancelled.
type step struct {
	after  time.Duration
	value  int
	err    error
	panics any
}

func succeeds(after time.Duration, value int) step { return step{after: after, value: value} }
func fails(after time.Duration) step               { return step{after: after, err: errScripted} }
func panics(after time.Duration) step              { return step{after: after, panics: "scripted panic"} }

// script is a source that follows one step per attempt, and the observer of what becomes of them.
type script struct {
	steps  []step
	budget float64 // of each call

	mu      sync.Mutex
	began   time.Time
	sent    []time.Duration // when each attempt was sent, since the beginning
	ended   []time.Duration // when each attempt's source returned, by number
	settled []fanout.Attempt
}

func newScript(steps ...step) *script {
	return &script{steps: steps, began: time.Now(), ended: make([]time.Duration, len(steps))}
}

func (s *script) source(ctx context.Context, a fanout.Attempt) (int, error) {
	s.mu.Lock()
	s.sent = append(s.sent, time.Since(s.began))
	s.mu.Unlock()
	step := s.steps[a.Number]
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended[a.Number] = time.Since(s.began)
	}()
	if err := pause.For(ctx, step.after); err != nil {
		return 0, err
	}
	if step.panics != nil {
		panic(step.panics)
	}
	return step.value, step.err
}

// plan is a call that arrives now and whose attempts follow the script.
func (s *script) plan(timeout time.Duration, strategy fanout.Strategy[int]) fanout.Plan[int] {
	return fanout.Plan[int]{Source: s.source, Strategy: strategy, Arrival: time.Now(), Timeout: timeout, Producers: 3, HedgeDelay: hedge, Budget: s.budget}
}

func (s *script) observe(_ context.Context, a fanout.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = append(s.settled, a)
}

func (s *script) settings() fanout.Settings {
	return fanout.Settings{LoserGrace: grace, MaxInFlight: 12, Observe: s.observe}
}

// outcomes returns what became of each attempt, by number. It fails the test when an attempt was settled twice or never.
func (s *script) outcomes(t *testing.T) []fanout.Outcome {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	byNumber := make([]fanout.Outcome, len(s.settled))
	for _, a := range s.settled {
		require.Less(t, a.Number, len(byNumber), "an attempt was never settled")
		require.Empty(t, byNumber[a.Number], "attempt %d was settled twice", a.Number)
		byNumber[a.Number] = a.Outcome
	}
	return byNumber
}

// promise is one row of the contract: a strategy, what the attempts do, and what must come of it.
type promise struct {
	name     string
	strategy fanout.Strategy[int]
	timeout  time.Duration
	steps    []step

	answers  time.Duration // when the call returns
	values   []int
	err      error
	sent     []time.Duration  // when each attempt was sent
	outcomes []fanout.Outcome // of each attempt in the end
}

// keep runs the promise in fake time.
func (p promise) keep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(p.steps...)
		service := fanout.New[int](s.settings())
		answer, err := service.Do(t.Context(), s.plan(p.timeout, p.strategy))

		assert.Equal(t, p.answers, time.Since(s.began), "time of the answer")
		assert.Equal(t, p.err, err)
		assert.Equal(t, p.values, answer.Values)
		service.Wait()
		assert.Equal(t, p.sent, s.sent, "times of sending")
		assert.Equal(t, p.outcomes, s.outcomes(t))
		assert.Zero(t, service.InFlight())
	})
}

func keepAll(t *testing.T, promises []promise) {
	for _, p := range promises {
		t.Run(p.name, p.keep)
	}
}
