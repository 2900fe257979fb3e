package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	stdhttp "net/http"
	"os/signal"
	"syscall"
	"time"

	"hedgerow/internal/config"
	"hedgerow/internal/testserver"
)

// serveUpstream runs the testing server alone until ctx is done or a signal tells it to stop. It does not drain: what it stands
// for would not either.
func serveUpstream(ctx context.Context, settings config.Upstream, logger *slog.Logger) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", settings.Addr)
	if err != nil {
		return listenError("--addr (HEDGEROW_UPSTREAM_ADDR)", settings.Addr, err)
	}
	server, serving := startTestingServer(listener, settings.TestingServer, logger)
	select {
	case err := <-serving:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
		return server.Close()
	}
}

// startTestingServer serves on listener until Close. The channel tells when that fails.
func startTestingServer(listener net.Listener, settings config.TestingServer, logger *slog.Logger) (*stdhttp.Server, <-chan error) {
	handler := testserver.New(testserver.Settings(settings))
	server := &stdhttp.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	serving := make(chan error, 1)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, stdhttp.ErrServerClosed) {
			serving <- err
		}
	}()
	logger.Info("testing server is listening", "url", testingServerURL(listener), "seed", handler.Seed())
	return server, serving
}

func testingServerURL(listener net.Listener) string {
	return "http://" + listener.Addr().String() + testserver.Path
}
