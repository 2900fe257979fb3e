package main

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"hedgerow/internal/config"
	"hedgerow/internal/fanout"
	"hedgerow/internal/hedge"
	"hedgerow/internal/http"
	"hedgerow/internal/listen"
	"hedgerow/internal/logs"
	"hedgerow/internal/metrics"
	"hedgerow/internal/upstream"
)

// serve runs the service until ctx is done or a signal tells it to stop, then lets the calls in flight end. A second signal ends
// the process at once.
func serve(ctx context.Context, settings config.Serve, logger *slog.Logger) error {
	relaxCollector(ctx)
	measures := newMeasures(settings)
	apis, err := openAPIs(settings, measures, logger)
	if err != nil {
		return err
	}
	ctx, stop := listen.UntilSignal(ctx, apis.reload)
	defer stop()
	api, err := chooseAPI(ctx, settings, logger)
	if err != nil {
		return err
	}
	delay := hedge.New(settings.Hedge())
	calls := newEngine(settings, api.url, delay, measures, logger)
	listener, err := listen.Open(ctx, settings.Addr.Setting, settings.Addr.String())
	if err != nil {
		return err
	}
	page := newPage(settings, listener.Addr(), calls, apis, measures) // nil when there is nowhere to show it
	var watchers []func(http.Beginning) http.CallWatcher
	if page != nil {
		watchers = append(watchers, watch(page))
	}
	spans := openTraces(settings, measures, logger)
	var ready atomic.Bool
	router, err := http.NewRouter(http.Settings{
		Service: calls.service, Source: calls.client.Fetch, SourceWith: calls.client.FetchWith, MaxTimeout: settings.MaxTimeout, Ready: ready.Load,
		Logger: logger, LogSample: logs.Sample(settings.LogSample),
		ObserveCall: func(c http.ObservedCall) { measures.ObserveCall(metrics.Call(c)) }, ObserveProxied: apis.observeCall,
		Debug: settings.Debug, API: api.name, BuiltIn: api.builtIn != nil,
		Producers: settings.Producers, Hedge: delay, HedgeBudget: float64(settings.HedgeBudget),
		Gateway: apis.gateway, Buffer: apis.buffer, Via: apis.via,
		Watch: spans.watch(watchers...),
	})
	if err != nil {
		return err
	}

	var group listen.Group // what is added first stops first
	group.Add(ctx, listen.Draining(listener, listen.Settings{
		Handler: router, LongestCall: apis.longestCall(), MaxConnections: settings.MaxConnections, Logger: logger,
		Ready: &ready, Delay: settings.ShutdownDelay, Timeout: func() time.Duration { return settings.ShutdownTimeoutOrDefault(apis.longestCall()) },
		AfterCalls: func() { calls.end(); apis.end(); spans.end() },
	}))
	if page != nil {
		admin, err := listen.Open(ctx, settings.AdminAddr.Setting, settings.AdminAddr.String())
		if err != nil {
			return err
		}
		group.Add(context.WithoutCancel(ctx), listen.Plain(admin, http.NewAdmin(router, measures.Handler(), page, page.Guard), logger))
		group.Add(context.WithoutCancel(ctx), page.Run)
		logger.Info("admin address is listening", "addr", admin.Addr().String())
	}
	if api.builtIn != nil {
		group.Add(context.WithoutCancel(ctx), api.builtIn)
	}
	ready.Store(true)
	logger.Info("listening; the console is at /", "addr", listener.Addr().String(), "version", version, "api", api.name)
	return group.Run()
}

// api is what calls go to.
type api struct {
	url     *url.URL
	name    string                      // for logs and probes: the URL without user, password and query
	builtIn func(context.Context) error // runs the testing server that stands in for the API, nil where there is one
}

func chooseAPI(ctx context.Context, settings config.Serve, logger *slog.Logger) (api, error) {
	if target := settings.ExponeaURL; target != nil {
		return api{url: target, name: withoutSecrets(target)}, nil
	}
	listener, err := listen.Open(ctx, settings.TestServerAddr.Setting, settings.TestServerAddr.String())
	if err != nil {
		return api{}, err
	}
	logger.Warn("EXPONEA_URL is empty: the built-in testing server answers below /api, and every answer there is made up")
	return api{
		url: testingServerURL(listener), name: "built-in testing server", builtIn: newTestingServer(listener, settings.TestingServer, logger),
	}, nil
}

func withoutSecrets(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func newMeasures(settings config.Serve) *metrics.Metrics {
	return metrics.New(metrics.Settings{
		Version: version, Endpoints: http.Endpoints(), Statuses: http.Statuses(), Reasons: upstream.Reasons(),
		MaxInFlight: settings.MaxInFlight,
	})
}

// engine is what makes calls.
type engine struct {
	client  *upstream.Client
	service *fanout.Service[int64]
	delay   func() time.Duration // how long a call with the longest timeout waits now before its hedges go
	// budgeted says that a budget bounds these.
	budgeted bool
}

func newEngine(settings config.Serve, target *url.URL, delay *hedge.Delay, measures *metrics.Metrics, logger *slog.Logger) *engine {
	client := upstream.New(upstream.Settings{
		URLs: []*url.URL{target}, UserAgent: "hedgerow/" + version,
		MaxBody: int64(settings.MaxBody), MaxConnections: settings.MaxInFlight, Protocol: protocol(settings.H2C),
		ObserveConnection: measures.ObserveConnection, ObserveRequest: measures.ObserveRequest, ObserveUnsent: measures.ObserveUnsent,
	})
	service := fanout.New[int64](fanout.Settings{
		LoserGrace: settings.LoserGrace, MaxInFlight: settings.MaxInFlight, Observe: observer(measures, logger.With("api", address(target))),
		Saved: func(_ context.Context, d time.Duration) { measures.ObserveSaved(d) },
	})
	longest := func() time.Duration {
		wait, _ := delay.At(settings.MaxTimeout)
		return wait
	}
	measures.Watch(metrics.Watched{
		Calls: service.CallsInFlight, Attempts: service.InFlight, HedgeBudget: service.Budget, HedgeDelay: longest,
	})
	return &engine{client, service, longest, settings.HedgeBudget > 0}
}

func protocol(h2c bool) upstream.Protocol {
	if h2c {
		return upstream.H2C
	}
	return upstream.Auto
}

// end waits for losers and leaves no connection behind. No call may begin meanwhile.
func (e *engine) end() {
	e.service.Wait()
	e.client.Close()
}

// observer counts attempts and logs those that have failed.
func observer(measures *metrics.Metrics, logger *slog.Logger) func(context.Context, fanout.Attempt) {
	failures := logs.NewFailures(logger)
	return func(_ context.Context, a fanout.Attempt) {
		measures.ObserveAttempt(a)
		failures.Observe(a)
	}
}

// address is a URL's host and port.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
