package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	stdhttp "net/http"
	"net/http/pprof"
	"net/url"
	"os/signal"
	"sync/atomic"
	"syscall"

	"hedgerow/internal/config"
	"hedgerow/internal/fanout"
	"hedgerow/internal/http"
	"hedgerow/internal/logs"
	"hedgerow/internal/metrics"
	"hedgerow/internal/upstream"
)

// serve runs the service until ctx is done or a signal tells it to stop, then lets the calls in flight end. A second signal ends
// the process at once.
func serve(ctx context.Context, settings config.Serve, logger *slog.Logger) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	relaxCollector()

	target := settings.ExponeaURL
	if target == "" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		logger.Info("EXPONEA_URL is empty: the built-in testing server stands in for the third-party API")
		server, _ := startTestingServer(listener, settings.TestingServer, logger)
		defer func() { _ = server.Close() }()
		target = testingServerURL(listener)
	}
	upstreamURL, err := url.Parse(target)
	if err != nil {
		return fmt.Errorf("the upstream API's URL: %w", err)
	}
	var service *fanout.Service[int64]
	measures := metrics.New(metrics.Settings{
		Version: version, Endpoints: http.Endpoints(), Reasons: upstream.Reasons(),
		AttemptsInFlight: func() int { return service.InFlight() }, CallsInFlight: func() int { return service.CallsInFlight() },
	})
	client := upstream.New(upstream.Settings{
		URL: upstreamURL, UserAgent: "hedgerow/" + version,
		MaxBody: int64(settings.MaxBody), MaxConnections: settings.MaxInFlight, ClearTextHTTP2: settings.H2C,
		ObserveConnection: measures.ObserveConnection, ObserveRequest: measures.ObserveRequest, ObserveUnsent: measures.ObserveUnsent,
	})
	defer client.CloseIdleConnections()

	service = fanout.New(client.Fetch, fanout.Settings{
		Producers: settings.Producers, HedgeDelay: settings.HedgeDelay, LoserGrace: settings.LoserGrace,
		MaxInFlight: settings.MaxInFlight, Observe: observer(measures, logger),
	})
	defer service.Wait()

	var ready atomic.Bool
	router := http.NewRouter(http.Settings{
		Service: service, MaxTimeout: settings.MaxTimeout, Ready: ready.Load, Logger: logger,
		ObserveCall: measures.ObserveCall, Debug: settings.Debug,
	})
	return listenAndServe(ctx, stop, settings, router, adminHandler(measures), &ready, logger)
}

// observer counts attempts and logs those that have failed.
func observer(measures *metrics.Metrics, logger *slog.Logger) func(fanout.Attempt) {
	failures := logs.NewFailures(logger)
	return func(a fanout.Attempt) {
		measures.ObserveAttempt(a)
		failures.Observe(a)
	}
}

// adminHandler serves what operators need and callers must not see.
func adminHandler(measures *metrics.Metrics) stdhttp.Handler {
	mux := stdhttp.NewServeMux()
	mux.Handle("GET /metrics", measures.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
