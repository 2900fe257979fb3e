package listen

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// UntilSignal returns a context that is done at SIGINT or SIGTERM, or with ctx. When it is done a second signal
// ends the process at once, also while hangup hangs. From now on SIGHUP calls hangup, one call after the other: its default would drop every
// call.
func UntilSignal(ctx context.Context, hangup func()) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop, hungUp := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	signal.Notify(hungUp, syscall.SIGHUP)
	go func() { // until ctx is done
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
		signal.Stop(stop)
	}()
	go func() { // likewise
		for {
			select {
			case <-hungUp:
				hangup()
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
}
