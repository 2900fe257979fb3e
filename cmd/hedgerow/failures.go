package main

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hedgerow/internal/fanout"
)

// failureInterval is the least time between two lines about failures of the same reason.
const failureInterval = time.Minute

// failureLog tells the log why attempts fail, in one line per reason and minute: an API that is down fails thousands of attempts a
// second, and all of them alike. At the level debug each failure has a line of its own besides. It is safe for concurrent use.
type failureLog struct {
	logger  *slog.Logger
	began   time.Time
	reasons sync.Map // reason, from a closed set, to *repetition
	panics  repetition
}

// repetition counts what happens again and again, and is not logged each time.
type repetition struct {
	next     atomic.Int64 // when the next line may be written, in nanoseconds since began
	unlogged atomic.Int64 // since the last line
}

func newFailureLog(logger *slog.Logger) *failureLog {
	return &failureLog{logger: logger, began: time.Now()}
}

// observe logs an attempt if it has failed. Attempts that were cancelled, timed out, came late or were refused are no failures.
func (f *failureLog) observe(a fanout.Attempt) {
	if a.Outcome != fanout.Failed {
		return
	}
	f.logger.Debug("attempt failed", "error", a.Err)
	if panicked, ok := errors.AsType[*fanout.PanicError](a.Err); ok {
		if unlogged, ok := f.due(&f.panics); ok {
			f.logger.Error("panic in an attempt", "panic", panicked.Value, "stack", string(panicked.Stack), "unlogged", unlogged)
		}
		return
	}
	reason := a.Reason()
	r, ok := f.reasons.Load(reason)
	if !ok {
		r, _ = f.reasons.LoadOrStore(reason, &repetition{})
	}
	if unlogged, ok := f.due(r.(*repetition)); ok {
		f.logger.Warn("attempts fail", "reason", reason, "error", a.Err, "unlogged", unlogged)
	}
}

// due tells whether a line is to be written now, and how many times there was none since the last one.
func (f *failureLog) due(r *repetition) (unlogged int64, ok bool) {
	now, next := time.Since(f.began), r.next.Load()
	if int64(now) < next || !r.next.CompareAndSwap(next, int64(now+failureInterval)) {
		r.unlogged.Add(1)
		return 0, false
	}
	return r.unlogged.Swap(0), true
}
