package main

import (
	"context"
	"log/slog"
	"net"
	"net/url"

	"hedgerow/internal/config"
	"hedgerow/internal/listen"
	"hedgerow/internal/testserver"
)

// serveTestServer runs the testing server alone until ctx is done or a signal tells it to stop. It does not drain: what it stands
// for would not either.
func serveTestServer(ctx context.Context, settings config.TestServer, logger *slog.Logger) error {
	ctx, stop := listen.UntilSignal(ctx, func() { logger.Info("SIGHUP is ignored: there is nothing to read again") })
	defer stop()
	listener, err := listen.Open(ctx, settings.Addr.Setting, settings.Addr.String())
	if err != nil {
		return err
	}
	return newTestingServer(listener, settings.TestingServer, logger)(ctx)
}

// newTestingServer returns what runs a testing server on listener until its context is done.
func newTestingServer(listener net.Listener, settings config.TestingServer, logger *slog.Logger) func(context.Context) error {
	handler := testserver.New(testserver.Settings(settings))
	logger.Info("testing server is listening", "url", testingServerURL(listener).String(), "seed", handler.Seed())
	return listen.Plain(listener, handler, logger)
}

func testingServerURL(listener net.Listener) *url.URL {
	return &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: testserver.Path}
}
