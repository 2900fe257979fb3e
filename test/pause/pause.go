// Package pause waits in tests with fake time.
package pause

import (
	"context"
	"time"
)

// For waits for d, or until ctx is done, whose error it returns then. No time needs no timer: the race detector crashes when goroutines of one
// bubble select on channels of timers that have expired before (go1.26; https://github.com/golang/go/issues/78156 is near it).
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
