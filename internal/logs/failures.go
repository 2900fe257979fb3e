package logs

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"

	"hedgerow/internal/fanout"
)

// Failures logs why attempts fail, in one line per reason and minute: an upstream that is down fails thousands of attempts a second for
// the same reason. At the level debug each failure also has a line of its own. It is safe for concurrent use.
type Failures struct {
	logger  *slog.Logger
	detail  func(error) error
	reasons sync.Map // fanout.Reason to *Limit
	panics  Limit
}

// NewFailures returns a log of failures that writes to logger.
func NewFailures(logger *slog.Logger) *Failures {
	return &Failures{logger: logger, detail: func(err error) error { return err }}
}

// NewReservedFailures is NewFailures for an upstream whose answers are not for the log: of an error it shows the reason, and what the
// network said.
func NewReservedFailures(logger *slog.Logger) *Failures {
	return &Failures{logger: logger, detail: reserved}
}

// reserved returns an error without what it may quote of an answer.
func reserved(err error) error {
	f := &fanout.Failure{Reason: fanout.Attempt{Err: err}.Reason()}
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		f.Err = operation
	} else if dns, ok := errors.AsType[*net.DNSError](err); ok {
		f.Err = dns
	} else if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		f.Err = record
	} else if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		f.Err = certificate
	}
	return f
}

// Observe logs an attempt if its outcome is failed. Other outcomes are not logged.
func (f *Failures) Observe(a fanout.Attempt) {
	if a.Outcome != fanout.Failed {
		return
	}
	if f.logger.Enabled(context.Background(), slog.LevelDebug) {
		f.logger.Debug("attempt failed", "error", f.detail(a.Err))
	}
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
		f.logger.Warn("attempts fail", "reason", reason.String(), "error", f.detail(a.Err), "unlogged", unlogged)
	}
}
