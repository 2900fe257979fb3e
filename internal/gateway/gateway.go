// Package gateway has the APIs of the file by name, each with its connections, its cap on attempts and its rules, and makes calls to
// them.
package gateway

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hedgerow/internal/config/file"
	"hedgerow/internal/fanout"
	"hedgerow/internal/quota"
	"hedgerow/internal/upstream"
)

// Settings hold for every API.
type Settings struct {
	// UserAgent is sent when the caller's own is not forwarded.
	UserAgent string
	// LoserGrace is how long attempts may go on after their call has been answered.
	LoserGrace time.Duration
	// MaxInFlight is the most attempts in flight at an API whose settings do not say otherwise.
	MaxInFlight int
	// Logger is told of what is dropped of callers' requests, once for each name.
	Logger *slog.Logger
	// NewQuota makes the quota of an API. nil: each is of this process alone.
	NewQuota func(api string, r quota.Rate) Quota
	// Observe, when set, gets every attempt once, with its API's name, when it has ended or was refused. It must not block.
	Observe func(ctx context.Context, api string, a fanout.Attempt)
	// Saved, when set, gets what the function of this name in fanout.Settings gets, with the API's name. ctx is Observe's.
	Saved func(ctx context.Context, api string, d time.Duration)
	// PushedBack, when set, gets what the function of this name in fanout.Settings gets, with the API's name. url counts from 0.
	PushedBack func(api string, url int, d time.Duration)
	// ObserveConnection, ObserveRequest and ObserveUnsent, when set, get what the functions of these names in upstream.Settings get,
	// with the API's name.
	ObserveConnection func(api string)
	ObserveRequest    func(api string, again bool)
	ObserveUnsent     func(api string)
}

// Gateway has the APIs by name. It is safe for concurrent use.
type Gateway struct {
	settings Settings
	apis     atomic.Pointer[map[string]*API] // never written to
	mu       sync.Mutex                      // one Swap at a time
	open     sync.WaitGroup                  // APIs that are not closed
}

// New returns a gateway to the APIs of a file. It makes no connection before the first call.
func New(apis []file.API, s Settings) *Gateway {
	if s.NewQuota == nil {
		s.NewQuota = inProcess
	}
	g := &Gateway{settings: s}
	g.apis.Store(&map[string]*API{})
	g.Swap(apis)
	return g
}

// Use returns the API of a name, nil when there is none. It stays usable, also when it is swapped out, until Release.
func (g *Gateway) Use(name string) *API {
	for {
		api, ok := (*g.apis.Load())[name]
		if !ok {
			return nil
		}
		if api.use() {
			return api
		} // swapped out since then
	}
}

// APIs returns the present APIs in the order of their names. They are for looking at: only what Use returns may be called.
func (g *Gateway) APIs() []*API {
	apis := *g.apis.Load()
	sorted := make([]*API, 0, len(apis))
	for _, name := range slices.Sorted(maps.Keys(apis)) {
		sorted = append(sorted, apis[name])
	}
	return sorted
}

// Swap puts the APIs of another file in the place of those that there are, all at once. An API that says the same as before keeps
// its connections, its cap and what it knows: how long attempts take and what is left for hedges. What is left of a quota stays whatever else
// changes, the quota too. Calls in flight end at the APIs that they began at.
func (g *Gateway) Swap(apis []file.API) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := *g.apis.Load()
	after := make(map[string]*API, len(apis))
	for _, settings := range apis {
		was, ok := before[settings.Name]
		api := was
		if !ok || !was.settings.Equal(&settings) {
			api = newAPI(settings, g.settings, was)
			g.open.Add(1)
			api.closed = g.open.Done
		}
		after[settings.Name] = api
	}
	g.apis.Store(&after)
	for name, api := range before {
		if after[name] != api {
			api.Release()
		}
	}
}

// Close waits until every call and its losers have ended, and closes all connections. No call may begin meanwhile.
func (g *Gateway) Close() {
	g.Swap(nil)
	g.open.Wait()
}

// exchanger makes an attempt. upstream.Client.Exchange does.
type exchanger func(ctx context.Context, url int, a fanout.Attempt, r *upstream.Request) (*Answer, error)

// API is one API of the file.
type API struct {
	settings    file.API
	maxInFlight int
	userAgent   []string
	routes      routes
	dropped     *dropped
	quota       Quota // nil: nothing bounds the requests over time
	quotaLives  bool  // in the API that has come in the place of this one
	client      *upstream.Client
	exchange    exchanger
	engine      *fanout.Service[*Answer]
	order       *order
	users       atomic.Int64 // the gateway, while it has the API, and calls
	closed      func()
}

// newAPI returns an API in the place of another one, nil for none, of which it keeps what belongs to the name.
func newAPI(settings file.API, s Settings, was *API) *API {
	a := &API{settings: settings, routes: newRoutes(settings), dropped: newDropped(settings.Name, s.Logger)}
	if was != nil {
		a.dropped = was.dropped
	}
	a.quota = a.newQuota(s, was)
	a.order = newOrder(&settings, s.Logger)
	a.users.Store(1)
	a.userAgent = []string{s.UserAgent}
	a.maxInFlight = settings.MaxInFlight
	if a.maxInFlight == 0 {
		a.maxInFlight = s.MaxInFlight
	}
	a.client = newClient(settings, s, a.maxInFlight, a.quota)
	a.exchange = a.client.Exchange
	engine := fanout.Settings{
		LoserGrace: s.LoserGrace, MaxInFlight: a.maxInFlight, Places: len(settings.URLs),
		Observe: func(ctx context.Context, attempt fanout.Attempt) {
			e := ctx.(*exchange) //nolint:forcetypeassert // Do's
			if e.urls > 1 {
				e.noteEnded(attempt)
			}
			if s.Observe != nil {
				s.Observe(e.Context, settings.Name, attempt)
			}
		},
	}
	if a.quota != nil {
		engine.Quota = a.quota
	}
	if s.Saved != nil {
		engine.Saved = func(ctx context.Context, d time.Duration) {
			s.Saved(ctx.(*exchange).Context, settings.Name, d) //nolint:forcetypeassert // Do's
		}
	}
	if s.PushedBack != nil {
		engine.PushedBack = func(url int, d time.Duration) { s.PushedBack(settings.Name, url, d) }
	}
	a.engine = fanout.New[*Answer](engine)
	return a
}

// protocols are those of the file.
var protocols = map[file.Protocol]upstream.Protocol{file.Auto: upstream.Auto, file.HTTP1: upstream.HTTP1, file.H2C: upstream.H2C}

// newClient returns the client of an API.
func newClient(settings file.API, s Settings, connections int, q Quota) *upstream.Client {
	c := upstream.Settings{
		MaxConnections: connections, Protocol: protocols[settings.Protocol],
	}
	for _, u := range settings.URLs {
		c.URLs = append(c.URLs, u.Parsed())
	}
	if settings.TLS != nil {
		c.Roots, c.Certificate = settings.TLS.Roots, settings.TLS.Certificate
	}
	if s.ObserveConnection != nil {
		c.ObserveConnection = func() { s.ObserveConnection(settings.Name) }
	}
	if s.ObserveRequest != nil {
		c.ObserveRequest = func(again bool) { s.ObserveRequest(settings.Name, again) }
	}
	c.ObserveRequest = spending(q, c.ObserveRequest)
	if s.ObserveUnsent != nil {
		c.ObserveUnsent = func() { s.ObserveUnsent(settings.Name) }
	}
	return upstream.New(c)
}

// use adds a user. It is false when the last one has gone.
func (a *API) use() bool {
	for {
		users := a.users.Load()
		if users == 0 {
			return false
		}
		if a.users.CompareAndSwap(users, users+1) {
			return true
		}
	}
}

// Release ends a use of the API. When the gateway has another one in its place and the last call has been answered, it ends with its
// losers.
func (a *API) Release() {
	if a.users.Add(-1) > 0 {
		return
	}
	go func() { // until the losers have ended; Gateway.Close waits for it
		a.engine.Wait()
		a.client.Close()
		a.endQuota()
		a.routes.end()
		a.closed()
	}()
}

// Name is the API's name.
func (a *API) Name() string { return a.settings.Name }

// Example is a path and query of the API, with secrets as they stand in the file; "/" when the file gives none.
func (a *API) Example() string {
	if example := a.settings.Example.String(); example != "" {
		return example
	}
	return "/"
}

// Budgeted tells whether a budget bounds the hedges of calls by some of the API's routes.
func (a *API) Budgeted() bool {
	return a.settings.Hedge.Budget > 0 || slices.ContainsFunc(a.settings.Routes, func(r file.Route) bool { return r.Hedge.Budget > 0 })
}

// URLs is the number of the API's URLs.
func (a *API) URLs() int { return len(a.settings.URLs) }
