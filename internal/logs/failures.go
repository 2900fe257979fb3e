package logs

import (
	"errors"
	"log/slog"
	"sync"

	"hedgerow/internal/fanout"
)

// Failures logs why attempts fail, in one line per reason and minute: an upstream that is down fails thousands of attempts a second for
// the same reason. At the level debug each failure also has a line of its own. It is safe for concurrent use.
type Failures struct {
	logger  *slog.Logger
	reasons sync.Map // fanout.Reason to *Limit
	panics  Limit
}

// NewFailures returns a log of failures that writes to logger.
func NewFailures(logger *slog.Logger) *Failures { return &Failures{logger: logger} }

// Observe logs an attempt if its outcome is failed. Other outcomes are not logged.
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
