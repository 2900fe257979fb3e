package fanout

import (
	"errors"
	"fmt"
	"time"
)

// Outcome says in one word how an attempt ended. The same words stand in metrics, logs and answers.
type Outcome string

const (
	// Running attempts have not ended yet. Only a snapshot taken when the call is answered shows it.
	Running Outcome = "running"
	// Won attempts have succeeded in time, and the strategy took their result for its answer. They stay so when
	// All has no answer because another attempt is still running at the deadline.
	Won Outcome = "won"
	// Late attempts have succeeded after the answer was decided.
	Late Outcome = "late"
	// Failed attempts have ended without a success.
	Failed Outcome = "failed"
	// TimedOut attempts were still running at the deadline.
	TimedOut Outcome = "timed_out"
	// Cancelled attempts were still running when the losers' grace was over.
	Cancelled Outcome = "cancelled"
	// Abandoned attempts were still running when the caller went away.
	Abandoned Outcome = "abandoned"
	// Refused attempts were never sent. Their reason is of KindCap, KindWait, KindPushback, KindBudget or KindQuota.
	Refused Outcome = "refused"
)

// Attempt is the record of one attempt. The call's consumer writes it until the call has ended. After that nobody does.
type Attempt struct {
	// Number counts the attempts of a call from 0, in the order of firing.
	Number int
	// Hedge is true for an attempt that was held back at first.
	Hedge   bool
	Outcome Outcome
	// Place is where it goes, as Plan.Place has it.
	Place int
	// Started is when it was fired.
	Started time.Time
	// Beside is, for a hedge, how long the oldest attempt of its call that still ran had run by then. It is 0 when none ran.
	Beside time.Duration
	// Duration is how long it ran, or has run so far.
	Duration time.Duration
	// Err is why a failed attempt failed or a refused one was not sent. It is nil for every other outcome.
	Err error
}

// Reason is the part of Err that may be shown. It is the zero value without an error.
func (a Attempt) Reason() Reason {
	if a.Err == nil {
		return Reason{}
	}
	if failure, ok := errors.AsType[*Failure](a.Err); ok {
		return failure.Reason
	}
	return Reason{Kind: KindInternal}
}

// Failure is an error that a Source returns to explain why its attempt failed.
type Failure struct {
	Reason Reason
	// Err is the whole truth, for the log. It may be nil.
	Err error
	// RetryAfter is the time that the attempt's place has asked for before the next request, 0 for none. No hedge is sent there until it
	// has passed, for 30 s at most; first attempts are.
	RetryAfter time.Duration
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Reason.String()
	}
	return f.Reason.String() + ": " + f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }

// PanicError is the error of an attempt whose source panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// The errors of attempts that are not sent.
var (
	errCap      = &Failure{Reason: Reason{Kind: KindCap}}
	errWait     = &Failure{Reason: Reason{Kind: KindWait}}
	errPushback = &Failure{Reason: Reason{Kind: KindPushback}}
	errBudget   = &Failure{Reason: Reason{Kind: KindBudget}}
	errQuota    = &Failure{Reason: Reason{Kind: KindQuota}}
)

// errExited is the error of an attempt whose source ended its goroutine (runtime.Goexit).
var errExited = errors.New("the attempt's goroutine exited")
