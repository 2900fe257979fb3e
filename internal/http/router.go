package http

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// Settings of the API. They are not checked here: internal/config does.
type Settings struct {
	Service Service
	// MaxTimeout is the largest timeout that a call may ask for.
	MaxTimeout time.Duration
	// Ready tells whether the process should get calls. It is called at any time from any goroutine.
	Ready  func() bool
	Logger *slog.Logger
	// ObserveCall is told of every call to the API when it has been answered. endpoint is the route's path.
	ObserveCall func(endpoint string, status int, duration time.Duration)
	// Debug turns on Gin's debug mode, for the whole process.
	Debug bool
}

// NewRouter returns the handler of every path that Hedgerow serves.
func NewRouter(s Settings) http.Handler { return newEngine(s) }

func newEngine(s Settings) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	if s.Debug {
		gin.SetMode(gin.DebugMode)
	}
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	r.UseEscapedPath = true
	_ = r.SetTrustedProxies(nil) // nil cannot fail; the log shows the peer's address
	r.Use(noteArrival, discardBody, part(s.Ready), identify, secure, logRequests(s.Logger), observeCalls(s.ObserveCall), survive(s.Logger))
	r.NoRoute(notFound)
	r.NoMethod(otherMethod)

	h := &handlers{service: s.Service, maxTimeout: s.MaxTimeout, ready: s.Ready}
	get(r, "/api/all", h.all)
	get(r, "/api/first", h.first)
	get(r, "/api/within-timeout", h.withinTimeout)
	get(r, "/api/smart", h.smart)
	get(r, "/livez", h.livez)
	get(r, "/readyz", h.readyz)
	routeConsole(r)
	return r
}

// get routes GET and, as HTTP has it, HEAD: the same without the body.
func get(r gin.IRoutes, path string, handler gin.HandlerFunc) {
	r.GET(path, handler)
	r.HEAD(path, handler)
}

func notFound(c *gin.Context) { writeProblem(c, errNotFound, nil) }

// otherMethod answers a method that a path does not have. Gin has set Allow to those that it has.
func otherMethod(c *gin.Context) {
	c.Header("Allow", c.Writer.Header().Get("Allow")+", OPTIONS")
	if c.Request.Method == http.MethodOptions {
		c.AbortWithStatus(http.StatusNoContent)
		return
	}
	writeProblem(c, errMethodNotAllowed, nil)
}
