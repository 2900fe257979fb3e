package listen

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// UntilSignal returns a context that is done at SIGINT or SIGTERM, or with ctx. When it is done a second signal
// ends the process at once. From now on SIGHUP only writes a line to the log: its default would drop every call.
func UntilSignal(ctx context.Context, logger *slog.Logger) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop, hangup := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() { // until ctx is done
		for {
			select {
			case <-hangup:
				logger.Info("SIGHUP is ignored: there is nothing to read again")
			case <-stop:
				signal.Stop(stop)
				cancel()
			case <-ctx.Done():
				signal.Stop(stop)
				return
			}
		}
	}()
	return ctx, cancel
}
