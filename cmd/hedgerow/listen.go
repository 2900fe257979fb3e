package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	stdhttp "net/http"
	"sync/atomic"
	"time"

	"hedgerow/internal/config"
	"hedgerow/internal/http"
)

// listenAndServe serves the API and the admin handler until ctx is done, then drains: not ready, a delay, no new connections, the
// calls in flight. release hands the signals back to the system, so that another one ends the process.
func listenAndServe(ctx context.Context, release func(), settings config.Serve, api, admin stdhttp.Handler, ready *atomic.Bool,
	logger *slog.Logger,
) error {
	// Without MPTCP, which Go listens for by default: of the time since a request came (internal/http, noteArrival) the kernel knows
	// the first path's only.
	var plain net.ListenConfig
	plain.SetMultipathTCP(false)
	listener, err := plain.Listen(ctx, "tcp", settings.Addr)
	if err != nil {
		return listenError("--addr (HEDGEROW_ADDR)", settings.Addr, err)
	}
	server := http.NewServer(api, settings.MaxTimeout, logger)
	if settings.AdminAddr != "" {
		adminListener, err := net.Listen("tcp", settings.AdminAddr)
		if err != nil {
			_ = listener.Close()
			return listenError("--admin-addr (HEDGEROW_ADMIN_ADDR)", settings.AdminAddr, err)
		}
		adminServer := &stdhttp.Server{Handler: admin, ReadHeaderTimeout: 5 * time.Second, ErrorLog: server.ErrorLog}
		go func() { _ = adminServer.Serve(adminListener) }() // until Close
		defer func() { _ = adminServer.Close() }()
		logger.Info("admin address is listening", "addr", adminListener.Addr().String())
	}

	serving := make(chan error, 1)
	go func() { serving <- server.Serve(http.LimitConnections(listener, settings.MaxConnections)) }()
	ready.Store(true)
	logger.Info("listening; the console is at /", "addr", listener.Addr().String(), "version", version)

	select {
	case err := <-serving:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	release()
	ready.Store(false)
	logger.Info("stopping", "delay", settings.ShutdownDelay.String(), "timeout", settings.ShutdownTimeoutOrDefault().String())
	time.Sleep(settings.ShutdownDelay)
	_ = listener.Close()
	time.Sleep(arrivalMargin)
	return drain(server, settings.ShutdownTimeoutOrDefault(), logger)
}

// arrivalMargin is the time for requests that were on their way when the service stopped listening: from the beginning of
// Shutdown on, net/http closes a connection on which a request has just been read, and does not answer it.
const arrivalMargin = 500 * time.Millisecond

// drain waits for the calls in flight, for timeout at most.
func drain(server *stdhttp.Server, timeout time.Duration, logger *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
		return fmt.Errorf("calls were still in flight after the shutdown timeout of %v", timeout)
	}
	logger.Info("stopped")
	return nil
}

// listenError says which setting names an address that is not to be had.
func listenError(setting, addr string, err error) error {
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		err = operation.Err // without the words that say the same again
	}
	return fmt.Errorf("%s: cannot listen on %s: %w", setting, addr, err)
}
