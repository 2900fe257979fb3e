package http

import (
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"hedgerow/internal/console"
	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	"hedgerow/internal/hedge"
)

// Settings of the API. They are not checked here: internal/config does.
type Settings struct {
	Service Service
	// Source makes the attempts of every call.
	Source fanout.Source[int64]
	// SourceWith returns Source for a call whose attempts send further fields, by their numbers. It is asked for nothing else.
	SourceWith func(fields func(number int) http.Header) fanout.Source[int64]
	// MaxTimeout is the largest timeout that a call may ask for.
	MaxTimeout time.Duration
	// Producers is the most attempts of a call. The console shows it.
	Producers int
	// Hedge is how long smart waits for its first attempt before it fires the rest. The console shows it.
	Hedge *hedge.Delay
	// HedgeBudget is what a call by smart that ends well pays for hedges. 0: nothing bounds them.
	HedgeBudget float64
	// Ready tells whether the process should get calls. It is called at any time from any goroutine.
	Ready  func() bool
	Logger *slog.Logger
	// LogSample, when set, is asked about each healthy call whether the log is to have its line. All other requests have theirs.
	LogSample func() bool
	// ObserveCall gets every call to the API when it has been answered.
	ObserveCall func(ObservedCall)
	// ObserveProxied, when set, gets every call to an API of the file when it has been answered. Its endpoint is the API's name.
	ObserveProxied func(ObservedCall)
	// Watch are asked at the beginning of each call that is made whether they watch it; nil is no.
	Watch []func(Beginning) CallWatcher
	// API is what calls go to, for whoever asks /readyz. No secret may be in it.
	API string
	// BuiltIn is set when that is the built-in testing server. Every answer says so in a header.
	BuiltIn bool
	// Gateway has the APIs of the file. nil: there is no file, and nothing below /proxy/.
	Gateway *gateway.Gateway
	// Buffer bounds the bodies that calls below /proxy/ hold at a time.
	Buffer *gateway.Buffer
	// Via is what APIs and callers are told of this process.
	Via forward.Via
	// Debug turns on Gin's debug mode, for the whole process.
	Debug bool
}

// ObservedCall is a call to the API that has been answered.
type ObservedCall struct {
	// Endpoint is one of Endpoints, or the name of an API of the file.
	Endpoint string
	// Status is one of Statuses, or whatever an API of the file answered.
	Status int
	// Duration is the time from the arrival of the call to its answer.
	Duration time.Duration
	// Timeout is what the call asked for, 0 when it was not made or the handler panicked.
	Timeout time.Duration
}

// NewRouter returns the handler of every path that Hedgerow serves. It fails when a part of the console is missing.
func NewRouter(s Settings) (http.Handler, error) {
	engine, err := newEngine(s)
	if err != nil {
		return nil, err // not the engine: a nil *gin.Engine in an interface is not nil
	}
	return engine, nil
}

func newEngine(s Settings) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	if s.Debug {
		gin.SetMode(gin.DebugMode)
	}
	assets, err := console.New(console.Settings{
		Producers: s.Producers, HedgeDelay: s.Hedge.When(), MaxTimeout: s.MaxTimeout,
		NoTimeout: (&timeoutError{"is missing", s.MaxTimeout}).Error(),
		APIs:      documented(s.Gateway), Strategies: Strategies(), Details: proxyDetails(),
	})
	if err != nil {
		return nil, err
	}
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	r.UseEscapedPath = true
	_ = r.SetTrustedProxies(nil) // nil cannot fail; the log shows the peer's address
	// In running order.
	r.Use(noteArrival, closeAfter(s.Ready), identify, secure, logRequests(s.Logger, s.LogSample), recoverPanics(s.Logger))
	if s.BuiltIn {
		r.Use(declareBuiltIn)
	}
	r.NoRoute(discardBody, notFound)
	r.NoMethod(discardBody, otherMethod)
	own := r.Group("", discardBody) // what is not passed on

	h := &handlers{
		service: s.Service, source: s.Source, sourceWith: s.SourceWith, producers: s.Producers, delay: s.Hedge, budget: s.HedgeBudget,
		maxTimeout: s.MaxTimeout, ready: s.Ready, api: s.API, watch: s.Watch,
	}
	calls := own.Group(callsPath, observeCalls(s.ObserveCall), recoverPanics(s.Logger)) // a panic is observed as the 500 that it becomes
	for _, e := range h.endpoints() {
		get(calls, e.path, e.handler)
	}
	probes := own.Group("", logQuietly)
	get(probes, "/livez", h.livez)
	get(probes, "/readyz", h.readyz)
	for _, a := range assets {
		get(own, a.Path, gin.WrapH(a))
	}
	if s.Gateway != nil {
		routeProxy(r, s)
	}
	return r, nil
}

// routeProxy routes the paths below /proxy/, whatever the method: gin has no routes for unusual ones.
func routeProxy(r *gin.Engine, s Settings) {
	p := &proxy{gateway: s.Gateway, via: s.Via, buffer: s.Buffer, watch: s.Watch}
	var observed []gin.HandlerFunc
	if s.ObserveProxied != nil {
		observed = append(observed, observeProxied(s.ObserveProxied), recoverPanics(s.Logger)) // a panic is observed as the 500 that it becomes
	}
	r.Any(forward.Prefix+"*target", append(slices.Clone(observed), p.serve)...)
	r.NoMethod(append(observed, p.otherMethod, discardBody, otherMethod)...)
	r.NoRoute(noTunnel, discardBody, notFound)
}

const callsPath = "/api"

type endpoint struct {
	path    string // below callsPath
	handler gin.HandlerFunc
}

// endpoints are those that make calls, each by its own strategy.
func (h *handlers) endpoints() []endpoint {
	return []endpoint{
		{"/all", h.all},
		{"/first", h.first},
		{"/within-timeout", h.withinTimeout},
		{"/smart", h.smart},
	}
}

// Endpoints returns the paths that make calls.
func Endpoints() []string {
	endpoints := (*handlers)(nil).endpoints()
	paths := make([]string, len(endpoints))
	for i, e := range endpoints {
		paths[i] = callsPath + e.path
	}
	return paths
}

// get routes GET, and HEAD, which HTTP defines as the same without the body.
func get(r gin.IRoutes, path string, handler gin.HandlerFunc) {
	r.GET(path, handler)
	r.HEAD(path, handler)
}

// serverMethods are those of the whole server.
const serverMethods = "GET, HEAD, OPTIONS"

// notFound answers what has no route. OPTIONS * asks for the methods of the whole server.
func notFound(c *gin.Context) {
	if c.Request.Method == http.MethodOptions && c.Request.RequestURI == "*" {
		c.Header("Allow", serverMethods)
		c.AbortWithStatus(http.StatusNoContent)
		return
	}
	writeProblem(c, errNotFound, nil)
}

// noTunnel answers CONNECT to a host: no API has this method.
func noTunnel(c *gin.Context) {
	if c.Request.Method == http.MethodConnect {
		methodNotAllowed(c, serverMethods)
	}
}

// otherMethod answers a method that a path does not have. Gin has set Allow to the methods that it has.
func otherMethod(c *gin.Context) {
	methodNotAllowed(c, c.Writer.Header().Get("Allow")+", OPTIONS")
}

// methodNotAllowed answers a method that is not among the allowed ones.
func methodNotAllowed(c *gin.Context, allowed string) {
	c.Header("Allow", allowed)
	if c.Request.Method == http.MethodOptions {
		c.AbortWithStatus(http.StatusNoContent)
		return
	}
	writeProblem(c, errMethodNotAllowed, nil)
}
