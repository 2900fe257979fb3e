package logs

import (
	"errors"
	"log/slog"
	"sync"

	"hedgerow/internal/fanout"
)

// Failures logs why attempts fail, in one line per reason and minute: an API that is down fails thousands of attempts a second, and
// all of them alike. At the level debug each failure has a line of its own besides. It is safe for concurrent use.
type Failures struct {
	logger  *slog.Logger
	reasons sync.Map // fanout.Reason to *Limit
	panics  Limit
}

// NewFailures returns a log of failures that writes to logger.
func NewFailures(logger *slog.Logger) *Failures { return &Failures{logger: logger} }

// Observe logs an attempt if it has failed. Attempts that were cancelled, timed out, came late or were refused have not failed.
func (f *Failures) Observe(a fanout.Attempt) {
	if a.Outcome != fanout.Failed {
		return
	}
	f.logger.Debug("attempt failed", "error", a.Err)
	if panicked, ok := errors.AsType[*fanout.PanicError](a.Err); ok {
		if unlogged, ok := f.panics.Due(); ok {
			f.logger.Error("panic in an attempt", "panic", panicked.Value, "stack", string(panicked.Stack), "unlogged", unlogged)
		}
		return
	}
	reason := a.Reason()
	limit, ok := f.reasons.Load(reason)
	if !ok {
		limit, _ = f.reasons.LoadOrStore(reason, &Limit{})
	}
	if unlogged, ok := limit.(*Limit).Due(); ok {
		f.logger.Warn("attempts fail", "reason", reason.String(), "error", a.Err, "unlogged", unlogged)
	}
}
