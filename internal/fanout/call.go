package fanout

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// tick is how far past its time a timer is set, so that a result that comes at that very moment is in time.
const tick = time.Nanosecond

// A call that has waited over shortWait and over 1/waitShare of its timeout is refused: it would wait as long again at every later
// step. A garbage collection on busy cores pauses a call for less than shortWait.
const (
	waitShare = 4
	shortWait = 100 * time.Millisecond
)

// deadlineNumber is the number of what the timer puts on the queue at the deadline.
const deadlineNumber = -1

// Result is what a producer puts on the queue: exactly one for each attempt fired.
type Result[T any] struct {
	Value T
	Err   error

	number   int
	duration time.Duration
}

// Call is one call as its strategy sees it. It belongs to one goroutine, the strategy's. After the answer whoever settles losers
// holds mu.
type Call[T any] struct {
	service  *Service[T]
	source   Source[T]
	place    func(int) int      // of an attempt by its number
	caller   context.Context    // done when the caller has gone away
	deadline time.Time          // when the call is over
	turnBy   time.Time          // when its first attempt must be sent that waits for its turn
	overdue  bool               // it has waited for too long to be made
	full     bool               // the cap had no room when the quota was to be asked
	hedging  bool               // its strategy holds attempts back
	well     bool               // it has an answer
	pays     int32              // units of the hedge budget when it ends well; 0: it has no budget
	values   detached           // the caller's
	ctx      context.Context    // of the attempts
	cancel   context.CancelFunc // of ctx
	queue    chan Result[T]     // has a slot for every producer and for the timer: none can block on it

	timer      *time.Timer   // rings at the deadline, and at the end of the losers' grace
	hedgeDelay time.Duration // of the plan
	hedgeLeast time.Duration // of the plan
	hedgeTimer *time.Timer   // nil unless attempts are held back for a time
	held       int           // attempts held back
	durations  Durations     // of the plan; may be nil
	watcher    Watcher       // of the plan; may be nil

	attempts []Attempt  // not written to after the answer
	few      [3]Attempt // their memory, as a rule
	running  int        // attempts fired whose result is not taken off the queue yet
	over     error      // ErrTimedOut or ErrAbandoned once that is so

	answered atomic.Bool // the results that still come are losers'
	mu       sync.Mutex  // guards running and cut once the call has been answered
	cut      bool        // the losers' grace is over
	losing   bool        // the timer runs for the losers' grace; written while it is stopped
}

func newCall[T any](s *Service[T], caller context.Context, plan Plan[T]) *Call[T] {
	passed := time.Since(plan.Arrival)
	place := plan.Place
	if place == nil {
		place = onePlace
	}
	c := &Call[T]{
		service:    s,
		source:     plan.Source,
		place:      place,
		hedgeDelay: plan.HedgeDelay,
		hedgeLeast: plan.HedgeLeast,
		pays:       unitsOf(plan.Budget),
		durations:  plan.Durations,
		watcher:    plan.Watcher,
		caller:     caller,
		deadline:   plan.Arrival.Add(plan.Timeout),
		turnBy:     plan.Arrival.Add(plan.Timeout / 2),
		overdue:    passed-plan.Spent > max(plan.Timeout/waitShare, shortWait),
		values:     detached{caller},
		queue:      make(chan Result[T], plan.Producers+1),
	}
	c.timer = time.AfterFunc(plan.Timeout-passed+tick, c.ring)
	c.ctx, c.cancel = context.WithCancel(&c.values) //nolint:gosec // without a parent there is nothing to release
	if c.attempts = c.few[:0]; plan.Producers > len(c.few) {
		c.attempts = make([]Attempt, 0, plan.Producers)
	}
	return c
}

// detached has a caller's values and nothing else of its context: losers outlive the call, and nothing but this package may cut an
// attempt short. It is context.WithoutCancel without memory of its own.
type detached struct{ caller context.Context } //nolint:containedctx // it is one

func (*detached) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (*detached) Done() <-chan struct{}                   { return nil }
func (*detached) Err() error                              { return nil }
func (d *detached) Value(key any) any                     { return d.caller.Value(key) }

func onePlace(int) int { return 0 }

// Producers is the most attempts that the call may fire in all.
func (c *Call[T]) Producers() int { return cap(c.queue) - 1 }

// HedgeDelay is how long a hedging strategy waits before it fires the rest.
func (c *Call[T]) HedgeDelay() time.Duration { return c.hedgeDelay }

// Running is the number of attempts fired whose result Next has not returned yet.
func (c *Call[T]) Running() int { return c.running }

// Fire starts n attempts at once. When the cap on attempts in flight has no room for all n, the call has waited for too long before it
// began, or the first attempt's turn in the quota comes too late, it starts none, records them as refused and returns a *RefusedError. It
// waits for that turn, and returns ErrAbandoned when the caller goes away meanwhile. The other attempts are refused, and the call goes on
// without them, when the quota has nothing to spare.
func (c *Call[T]) Fire(n int) error {
	granted, err := c.turn(n)
	if err != nil {
		return err
	}
	if !c.fire(granted, false) {
		err = &RefusedError{Kind: c.attempts[len(c.attempts)-1].Reason().Kind, RetryAfter: c.service.retryAfter(c.place(0))}
	}
	if granted < n {
		c.refuse(n-granted, Attempt{Started: time.Now(), Err: errQuota})
	}
	return err
}

// fire starts n attempts, or refuses them all and returns false.
func (c *Call[T]) fire(n int, hedge bool) bool {
	if len(c.attempts)+n > c.Producers() {
		panic(fmt.Sprintf("fanout: attempt %d of a call that may fire %d", len(c.attempts)+n, c.Producers()))
	}
	a := Attempt{Hedge: hedge, Outcome: Running, Started: time.Now()}
	if hedge {
		a.Beside = c.oldestRunning(a.Started)
	}
	if a.Err = c.admit(n); a.Err != nil {
		c.refuse(n, a)
		return false
	}
	for range n {
		a = c.add(a)
		c.running++
		if c.watcher != nil {
			c.watcher.Fired(a)
		}
		go c.produce(a)
	}
	return true
}

// add gives the next attempt its number and its place.
func (c *Call[T]) add(a Attempt) Attempt {
	a.Number = len(c.attempts)
	a.Place = c.place(a.Number)
	c.attempts = append(c.attempts, a)
	return a
}

// admit takes n places under the cap. The error is why the attempts must not be sent.
func (c *Call[T]) admit(n int) error {
	if c.overdue {
		return errWait
	}
	if c.full || !c.service.reserve(n) {
		return errCap
	}
	return nil
}

// refuse records n attempts that are not sent. a has what they have in common.
func (c *Call[T]) refuse(n int, a Attempt) {
	a.Outcome = Refused
	for range n {
		refused := c.add(a)
		c.observe(&refused)
	}
}

// produce makes one attempt and puts its result on the queue, whatever happens. When the call has been answered by then, it also takes
// the result off again: nobody else does.
func (c *Call[T]) produce(a Attempt) {
	r := Result[T]{Err: errExited, number: a.Number}
	defer func() {
		if p := recover(); p != nil {
			r.Err = &PanicError{Value: p, Stack: debug.Stack()}
		}
		r.duration = time.Since(a.Started)
		c.learn(a.Number, r.duration, r.Err)
		c.service.inFlight.Add(-1)
		c.queue <- r
		if c.answered.Load() {
			c.settleLosers()
		}
	}()
	r.Value, r.Err = c.source(c.ctx, a)
}

// Next waits for the next result. It returns ErrTimedOut at the deadline, and ErrAbandoned when the caller has gone. A result that is
// ready by then comes first. It must not be called when nothing is running.
func (c *Call[T]) Next() (Result[T], error) {
	var hedge <-chan time.Time
	if c.hedgeTimer != nil {
		hedge = c.hedgeTimer.C
	}
	for {
		select {
		case r := <-c.queue:
			if c.came(r) {
				return c.take(r), nil
			}
			continue
		default:
			if c.over != nil {
				return Result[T]{}, c.over
			}
		}
		select {
		case r := <-c.queue:
			if c.came(r) {
				return c.take(r), nil
			}
		case <-hedge:
			c.fireTimed()
		case <-c.caller.Done():
			c.over = ErrAbandoned
		}
	}
}

// came is true for the result of an attempt, and false when the deadline has come instead.
func (c *Call[T]) came(r Result[T]) bool {
	if r.number == deadlineNumber {
		c.over = ErrTimedOut
		return false
	}
	return true
}

// ring is what the timer does: at the deadline it tells the consumer, and at the end of the grace it cuts the losers.
func (c *Call[T]) ring() {
	if c.losing {
		c.cutLosers()
		return
	}
	c.queue <- Result[T]{number: deadlineNumber}
}
