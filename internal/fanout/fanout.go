// Package fanout is the service layer. A call fires several attempts at one slow, unreliable source (the producers) and puts
// what comes back on one queue. A strategy (the consumer) takes results off the queue and decides: answer, wait, fire more. The
// call ends at its deadline whatever the source does.
//
// The package knows neither HTTP nor JSON: it is generic over the result T of an attempt.
package fanout

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// How a call can end without an answer.
var (
	// ErrFailed: every attempt has failed.
	ErrFailed = errors.New("all attempts failed")
	// ErrTimedOut: the deadline came before the strategy had its answer.
	ErrTimedOut = errors.New("no answer within the timeout")
	// ErrAbandoned: the caller has gone away.
	ErrAbandoned = errors.New("the caller has gone away")
	// ErrRefused: there are more calls than can be answered in time. The cap on attempts in flight leaves no room for this one, it has
	// waited for too long before Do was called, or its turn in the quota comes too late. Nothing was sent. The error is a *RefusedError.
	ErrRefused = errors.New("more calls than can be answered in time")
)

// RefusedError is the error of a call that was refused. errors.Is finds ErrRefused in it.
type RefusedError struct {
	// Kind is why: KindCap, KindWait or KindQuota.
	Kind Kind
	// RetryAfter is how long the caller should wait: the mean duration of the attempts that have ended lately, or what is left of the
	// time that the first attempt's place has asked for, whichever is longer. After the mean duration the attempts in flight have been replaced about
	// once, so those that leave no room now are gone. 0 when no attempt has ended yet. A call that the quota refuses should wait until its
	// turn would have come, not for the mean duration.
	RetryAfter time.Duration
}

func (*RefusedError) Error() string { return ErrRefused.Error() }

func (*RefusedError) Unwrap() error { return ErrRefused }

// Source makes one attempt. a is its record as it begins. Source must return soon after ctx is done; ctx is done only when the attempt's
// result is no longer of use, never at the deadline itself. A panic is a failed attempt.
type Source[T any] func(ctx context.Context, a Attempt) (T, error)

// Strategy consumes one call: it fires attempts, takes their results and returns the values of the answer, or one of this
// package's errors. Whatever still runs when it returns is a loser.
type Strategy[T any] func(c *Call[T]) ([]T, error)

// Plan describes one call.
type Plan[T any] struct {
	// Source makes the call's attempts.
	Source Source[T]
	// Strategy decides what to fire and what to answer.
	Strategy Strategy[T]
	// Arrival is when the caller asked. It is not later than now.
	Arrival time.Time
	// Timeout is the time for the answer, from Arrival on.
	Timeout time.Duration
	// Spent is how much of the time since Arrival the caller itself took, such as for a slow body. The call has not waited that long.
	Spent time.Duration
	// Producers is the most attempts that the call may fire, at least 1.
	Producers int
	// HedgeDelay is how long a hedging strategy waits for its first attempt before it fires the rest.
	HedgeDelay time.Duration
	// HedgeLeast is the time that a hedge needs at least. When less is left of the timeout at the end of HedgeDelay, the rest is not fired
	// then; it still goes when every attempt that ran has failed. 0: any time will do.
	HedgeLeast time.Duration
	// Budget is how many hedges the call pays for when it ends well, such as 0.1; 10 at most, to a millionth. It pays if its strategy holds attempts back
	// (Call.FireAfter), also when there are none to hold back. The service has 10 hedges at the start and 10 at most. Each hedge of the call
	// that is sent takes one, also when the attempts before it have failed; a hedge for which none is left is refused. 0: the call pays for
	// none and takes none, and its hedges are not bounded.
	Budget float64
	// Durations, when set, is told how long the call's attempts take, whatever the strategy.
	Durations Durations
	// Place returns where an attempt goes, from 0 to Settings.Places-1. It must not block. nil: there is one place.
	Place func(number int) int
	// Watcher, when set, is told what becomes of the call's attempts.
	Watcher Watcher
}

// Watcher is told what becomes of one call's attempts as it happens, on the goroutines of the call and of its attempts. It must not block.
type Watcher interface {
	// Fired gets each attempt before it is made. One that is refused is not made.
	Fired(a Attempt)
	// Ended gets each attempt once, when it has ended or was refused. The call may have been answered by then.
	Ended(a Attempt)
}

// Settings of a Service. They are not checked here: internal/config does.
type Settings struct {
	// LoserGrace is how long attempts may go on after their call has been answered, so that their connection can be used
	// again; then they are cancelled. 0 cancels at once.
	LoserGrace time.Duration
	// MaxInFlight is the most attempts in flight over all calls, losers included.
	MaxInFlight int
	// Places is how many places a source has, such as servers. Each may ask for time by itself (Failure.RetryAfter). 0 is one.
	Places int
	// Quota, when set, bounds the attempts that are sent over time. A call's first attempt waits for its turn if that comes before half of
	// the call's timeout has gone; otherwise the call is refused. Attempts beyond the first give way to those of other calls.
	Quota Quota
	// Observe, when set, gets every attempt once, when it has ended or was refused. ctx is the one that Do got for the attempt's call;
	// it may be done by then. Observe runs on the goroutine of the call or of an attempt, so it must not block.
	Observe func(ctx context.Context, a Attempt)
	// Saved, when set, gets the time that a hedge has saved its call at least, once for each call that a hedge won while the first attempt was
	// still running: d is how much later that attempt ended or was cut. ctx and the goroutine are those of Observe.
	Saved func(ctx context.Context, d time.Duration)
	// PushedBack, when set, is told of the time that a place asks for, 30 s at most, unless it has asked for longer before. It runs on the
	// goroutine of an attempt, so it must not block.
	PushedBack func(place int, d time.Duration)
}

// Service runs calls and holds what they share: the cap on attempts in flight, and what is known about the sources. It is safe for
// concurrent use.
type Service[T any] struct {
	settings Settings
	calls    atomic.Int64   // running now
	inFlight atomic.Int64   // attempts running now
	mean     mean           // duration of the attempts that have ended
	pushback []pushback     // by place
	budget   budget         // of hedges
	pending  sync.WaitGroup // calls, each until its losers have ended too
}

// New returns a service that runs no call yet.
func New[T any](settings Settings) *Service[T] {
	s := &Service[T]{settings: settings, pushback: make([]pushback, max(1, settings.Places))}
	s.budget.fill()
	for i := range s.pushback {
		s.pushback[i].began = time.Now()
	}
	return s
}

// Answer is what a call ends with. Attempts is set also when the call failed.
type Answer[T any] struct {
	// Values are the results that the strategy chose, in order of arrival.
	Values []T
	// Attempts has one entry for each attempt fired or refused, as it stood when the call ended, by Number. It must not be changed.
	Attempts []Attempt
}

// Do runs one call. It returns as soon as the strategy has decided, at the latest at the deadline, and does not wait for losers. ctx is
// the caller's: when it is done before the answer, every attempt is cancelled at once. After Do has returned it cancels nothing. A
// call that has waited since its arrival for over 100 ms and over a quarter of its timeout is refused; what the caller spent is no wait. The error is nil, ErrFailed,
// ErrTimedOut, ErrAbandoned, a *RefusedError or whatever else the strategy returns.
func (s *Service[T]) Do(ctx context.Context, plan Plan[T]) (Answer[T], error) {
	if ctx.Err() != nil {
		return Answer[T]{}, ErrAbandoned // gone before anything was sent
	}
	s.calls.Add(1)
	defer s.calls.Add(-1)
	s.pending.Add(1)
	c := newCall(s, ctx, plan)
	defer c.end()
	values, err := plan.Strategy(c)
	c.markRunning()
	if err == nil {
		c.succeed()
	}
	return Answer[T]{Values: values, Attempts: c.attempts}, err
}

// CallsInFlight returns the number of calls running now: those that Do has not returned from yet.
func (s *Service[T]) CallsInFlight() int { return int(s.calls.Load()) }

// InFlight returns the number of attempts running now, losers included.
func (s *Service[T]) InFlight() int { return int(s.inFlight.Load()) }

// Budget returns how many hedges the budget has left, from 0 to 10. It stays 10 while no call has one.
func (s *Service[T]) Budget() float64 { return s.budget.left() }

// Wait returns when every call has ended, and its losers. No call may begin meanwhile.
func (s *Service[T]) Wait() { s.pending.Wait() }

// retryAfter is how long a caller should wait whose first attempt would go to a place and is refused now.
func (s *Service[T]) retryAfter(place int) time.Duration {
	return max(s.mean.value(), s.pushback[place].left(time.Now()))
}

// hasRoom tells whether the cap on attempts in flight leaves room for n now.
func (s *Service[T]) hasRoom(n int) bool {
	return s.inFlight.Load()+int64(n) <= int64(s.settings.MaxInFlight)
}

// reserve takes n places under the cap on attempts in flight, or none.
func (s *Service[T]) reserve(n int) bool {
	for {
		old := s.inFlight.Load()
		if old+int64(n) > int64(s.settings.MaxInFlight) {
			return false
		}
		if s.inFlight.CompareAndSwap(old, old+int64(n)) {
			return true
		}
	}
}
