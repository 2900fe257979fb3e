package main

import (
	"context"
	"log/slog"
	"net/url"
	"sync/atomic"

	"hedgerow/internal/config"
	"hedgerow/internal/fanout"
	"hedgerow/internal/http"
	"hedgerow/internal/listen"
	"hedgerow/internal/logs"
	"hedgerow/internal/metrics"
	"hedgerow/internal/upstream"
)

// serve runs the service until ctx is done or a signal tells it to stop, then lets the calls in flight end. A second signal ends
// the process at once.
func serve(ctx context.Context, settings config.Serve, logger *slog.Logger) error {
	ctx, stop := listen.UntilSignal(ctx, logger)
	defer stop()
	relaxCollector()

	target, testingServer, err := chooseUpstream(ctx, settings, logger)
	if err != nil {
		return err
	}
	var service *fanout.Service[int64]
	measures := metrics.New(metrics.Settings{
		Version: version, Endpoints: http.Endpoints(), Reasons: upstream.Reasons(),
		AttemptsInFlight: func() int { return service.InFlight() }, CallsInFlight: func() int { return service.CallsInFlight() },
	})
	client := upstream.New(upstream.Settings{
		URL: target, UserAgent: "hedgerow/" + version,
		MaxBody: int64(settings.MaxBody), MaxConnections: settings.MaxInFlight, ClearTextHTTP2: settings.H2C,
		ObserveConnection: measures.ObserveConnection, ObserveRequest: measures.ObserveRequest, ObserveUnsent: measures.ObserveUnsent,
	})
	service = fanout.New[int64](fanout.Settings{
		Producers: settings.Producers, HedgeDelay: settings.HedgeDelay, LoserGrace: settings.LoserGrace,
		MaxInFlight: settings.MaxInFlight, Observe: observer(measures, logger),
	})
	var ready atomic.Bool
	router := http.NewRouter(http.Settings{
		Service: service, Source: client.Fetch, MaxTimeout: settings.MaxTimeout, Ready: ready.Load, Logger: logger,
		ObserveCall: measures.ObserveCall, Debug: settings.Debug,
	})

	var group listen.Group // what is added first stops first
	listener, err := listen.Open(ctx, "--addr (HEDGEROW_ADDR)", settings.Addr)
	if err != nil {
		return err
	}
	group.Add(ctx, listen.Draining(listener, listen.Settings{
		Handler: router, LongestCall: settings.MaxTimeout, MaxConnections: settings.MaxConnections, Logger: logger,
		Ready: &ready, Delay: settings.ShutdownDelay, Timeout: settings.ShutdownTimeoutOrDefault(),
		AfterCalls: func() { service.Wait(); client.CloseIdleConnections() },
	}))
	if settings.AdminAddr != "" {
		admin, err := listen.Open(ctx, "--admin-addr (HEDGEROW_ADMIN_ADDR)", settings.AdminAddr)
		if err != nil {
			return err
		}
		group.Add(context.WithoutCancel(ctx), listen.Plain(admin, http.NewAdmin(router, measures.Handler()), logger))
		logger.Info("admin address is listening", "addr", admin.Addr().String())
	}
	if testingServer != nil {
		group.Add(context.WithoutCancel(ctx), testingServer)
	}
	ready.Store(true)
	logger.Info("listening; the console is at /", "addr", listener.Addr().String(), "version", version)
	return group.Run()
}

// chooseUpstream returns the URL of the API, and the built-in testing server when it stands in for one.
func chooseUpstream(ctx context.Context, settings config.Serve, logger *slog.Logger) (
	target *url.URL, testingServer func(context.Context) error, err error,
) {
	if settings.ExponeaURL != "" {
		target, err = url.Parse(settings.ExponeaURL)
		return target, nil, err
	}
	listener, err := listen.Open(ctx, "built-in testing server", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	logger.Info("EXPONEA_URL is empty: the built-in testing server stands in for the third-party API")
	return testingServerURL(listener), newTestingServer(listener, settings.TestingServer, logger), nil
}

// observer counts attempts and logs those that have failed.
func observer(measures *metrics.Metrics, logger *slog.Logger) func(context.Context, fanout.Attempt) {
	failures := logs.NewFailures(logger)
	return func(_ context.Context, a fanout.Attempt) {
		measures.ObserveAttempt(a)
		failures.Observe(a)
	}
}
