package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hedgerow/internal/config"
	"hedgerow/internal/config/file"
	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	"hedgerow/internal/http"
	"hedgerow/internal/logs"
	"hedgerow/internal/metrics"
	"hedgerow/internal/replicas"
	"hedgerow/internal/upstream"
)

// apis are those of the file, and what their calls share.
type apis struct {
	path    string
	gateway *gateway.Gateway // nil when there is no file
	link    *replicas.Link   // nil when replicas share nothing
	buffer  *gateway.Buffer
	via     forward.Via
	logger  *slog.Logger

	longest  atomic.Int64              // nanoseconds: the longest call, those of the challenge's API and of the files before included
	file     atomic.Pointer[file.File] // what was read last; nil when there is no file
	measures *metrics.APIs             // nil when there is no file
	failures sync.Map                  // *logs.Failures by failing
}

// failing is what the log of failures is kept by.
type failing struct{ api, host string }

// openAPIs reads the file of APIs, if the settings name one. The error has a line for each problem.
func openAPIs(settings config.Serve, measures *metrics.Metrics, logger *slog.Logger) (*apis, error) {
	a := &apis{path: settings.Config, logger: logger}
	a.longest.Store(int64(settings.MaxTimeout))
	if a.path == "" {
		if settings.RedisURL != nil {
			logger.Warn("HEDGEROW_REDIS_URL is ignored: there is no file of APIs whose quotas could be shared")
		}
		return a, nil
	}
	f, err := readAPIs(a.path)
	if err != nil {
		return nil, err
	}
	a.buffer = gateway.NewBuffer(int64(settings.MaxBuffered))
	a.via = forward.NewVia("hedgerow-" + rand.Text()[:8])
	a.link = openLink(settings, logger)
	a.gateway = gateway.New(f.APIs, gateway.Settings{
		UserAgent: "hedgerow/" + version, LoserGrace: settings.LoserGrace, MaxInFlight: settings.MaxInFlight, Logger: logger,
		NewQuota: newQuota(a.link), PushedBack: tellRests(a.link),
		Observe:           a.observe,
		Saved:             func(_ context.Context, api string, d time.Duration) { a.measures.ObserveSaved(api, d) },
		ObserveConnection: func(api string) { a.measures.ObserveConnection(api) },
		ObserveRequest:    func(api string, again bool) { a.measures.ObserveRequest(api, again) },
		ObserveUnsent:     func(api string) { a.measures.ObserveUnsent(api) },
	})
	if a.link != nil {
		a.link.Heed(func(r replicas.Rest) { a.gateway.PushBack(r.API, r.URL, r.For) })
	}
	a.measures = measures.AddAPIs(metrics.APISettings{
		Statuses: http.ProxyStatuses(), Reasons: upstream.ExchangeReasons(),
		Load: a.load, Buffered: a.buffer.Held, MaxBuffered: a.buffer.Limit(), Redis: redisState(a.link),
	})
	a.measures.Set(f.Names())
	a.note(f)
	a.tell("the file of APIs has been read", f)
	return a, nil
}

// reload reads the file again. A bad one changes nothing.
func (a *apis) reload() {
	if a.gateway == nil {
		a.logger.Info("SIGHUP is ignored: there is no file of APIs to read again")
		return
	}
	f, err := readAPIs(a.path)
	if err != nil {
		for problem := range strings.Lines(err.Error()) {
			a.logger.Error("the file of APIs cannot be read again, and nothing changes", "problem", strings.TrimSuffix(problem, "\n"))
		}
		return
	}
	a.measures.Set(f.Names())
	a.note(f)
	a.gateway.Swap(f.APIs)
	a.tell("the file of APIs has been read again", f)
}

// longestCall is the most time that a call takes that has begun by now.
func (a *apis) longestCall() time.Duration { return time.Duration(a.longest.Load()) }

// note takes a file in that has been read, before it is in use.
func (a *apis) note(f *file.File) {
	a.file.Store(f)
	a.longest.Store(max(a.longest.Load(), int64(f.LongestTimeout())))
}

// tell tells of a file that has been read.
func (a *apis) tell(what string, f *file.File) {
	a.logger.Info(what, "file", a.path, "apis", f.Names())
	for _, warning := range f.Warnings() {
		a.logger.Warn(warning)
	}
	if request, answer := f.LargestBodies(); request > a.buffer.ForRequests() || answer > a.buffer.Limit() {
		a.logger.Warn("HEDGEROW_MAX_BUFFERED has no room for the largest bodies that the file allows: such a call is a 503 each time",
			"max_request_body", request, "room_for_requests", a.buffer.ForRequests(), "max_body", answer, "room", a.buffer.Limit())
	}
}

// describe says in words what the file means, for a service at addr.
func (a *apis) describe(addr string) string {
	if f := a.file.Load(); f != nil {
		return f.Describe(addr)
	}
	return ""
}

// end waits for losers and leaves no connection behind. No call may begin meanwhile.
func (a *apis) end() {
	if a.gateway != nil {
		a.gateway.Close()
	}
	if a.link != nil {
		a.link.Close()
	}
}

// observe counts an attempt at an API, and logs it if it has failed.
func (a *apis) observe(_ context.Context, api string, attempt fanout.Attempt) {
	a.measures.ObserveAttempt(api, attempt)
	if attempt.Outcome != fanout.Failed {
		return
	}
	at := failing{api: api}
	if failure, ok := errors.AsType[*gateway.HostError](attempt.Err); ok {
		at.host = failure.Host
	}
	failures, ok := a.failures.Load(at)
	if !ok {
		failures, _ = a.failures.LoadOrStore(at, logs.NewReservedFailures(a.logger.With("api", at.api, "host", at.host)))
	}
	failures.(*logs.Failures).Observe(attempt)
}

// observeCall counts a call to an API.
func (a *apis) observeCall(c http.ObservedCall) { a.measures.ObserveCall(metrics.Call(c)) }

// load is what each API does now.
func (a *apis) load() []metrics.APILoad {
	loads := a.gateway.Loads()
	all := make([]metrics.APILoad, len(loads))
	for i, l := range loads {
		all[i] = metrics.APILoad(l)
	}
	return all
}
