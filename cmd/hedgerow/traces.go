package main

import (
	"log/slog"

	"hedgerow/internal/config"
	"hedgerow/internal/http"
	"hedgerow/internal/metrics"
	"hedgerow/internal/traces"
)

// tracing makes spans of calls, if OpenTelemetry's variables ask for any.
type tracing struct{ traces *traces.Traces } // nil when they do not

func openTraces(settings config.Serve, measures *metrics.Metrics, logger *slog.Logger) tracing {
	if settings.Traces == nil {
		return tracing{}
	}
	var reasons []string
	for _, reason := range traces.Losses() {
		reasons = append(reasons, string(reason))
	}
	spans := measures.AddTraces(reasons)
	logger.Info("calls are traced", "collector", settings.Traces.Endpoint.Host)
	return tracing{traces.New(traces.Settings{
		Traces: *settings.Traces, Version: version, Logger: logger,
		ObserveExported: spans.ObserveExported,
		ObserveLost:     func(reason traces.Loss, n int) { spans.ObserveLost(string(reason), n) },
	})}
}

// watch adds who watches calls to the others who do.
func (t tracing) watch(others ...func(http.Beginning) http.CallWatcher) []func(http.Beginning) http.CallWatcher {
	if t.traces == nil {
		return others
	}
	return append(others, func(b http.Beginning) http.CallWatcher {
		if call := t.traces.Watch(traces.Beginning(b)); call != nil {
			return call
		}
		return nil // not a nil *traces.Call in an interface
	})
}

// end sends the spans that are left. No call may begin meanwhile.
func (t tracing) end() {
	if t.traces != nil {
		t.traces.End()
	}
}
