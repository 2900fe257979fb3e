package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hedgerow/internal/config/file"
	"hedgerow/internal/forward"
	"hedgerow/internal/hedge"
)

// Route says what holds for a request: an API's settings, or those of its route that the request matches.
type Route struct {
	file.Settings

	// Pattern is the route's; empty for what no route matches.
	Pattern string
	// Requests and Answers say what goes on of a caller's request, and of the API's answer.
	Requests forward.Requests
	Answers  forward.Answers

	delay *hedge.Delay // of every call by the route
}

func newRoute(pattern string, s file.Settings) *Route {
	return &Route{
		Settings: s, Pattern: pattern,
		Requests: forward.NewRequests(s.Forward.Headers), Answers: forward.NewAnswers(s.Remove, s.Keep),
		delay: hedge.New(s.Hedge.Settings),
	}
}

// HedgeDelay is how long a call with a timeout waits for its first attempt now. It is the longest delay while attempts have not taught it
// otherwise.
func (r *Route) HedgeDelay(timeout time.Duration) time.Duration {
	delay, _ := r.delay.At(timeout)
	return delay
}

// Methods returns the methods that a path has, by the API's settings or by any of its routes.
func (a *API) Methods(path string) []string {
	methods := slices.Clone(a.settings.Methods)
	for _, route := range a.settings.Routes {
		methods = append(methods, route.Methods...)
	}
	slices.Sort(methods)
	return slices.DeleteFunc(slices.Compact(methods), func(method string) bool { return !a.Route(method, path).Has(method) })
}

// Has tells whether a method is called.
func (r *Route) Has(method string) bool { return slices.Contains(r.Methods, method) }

// Allow is the value of the field Allow for a path: its methods, and OPTIONS, which is answered when it is not called.
func (a *API) Allow(path string) string {
	allowed := a.Methods(path)
	if !slices.Contains(allowed, http.MethodOptions) {
		allowed = append(allowed, http.MethodOptions)
	}
	return strings.Join(allowed, ", ")
}

// idempotent are the methods that may be repeated whatever the settings say: RFC 9110, section 9.2.2.
var idempotent = []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete}

// Repeats tells whether a request that goes on with this header may be sent more than once.
func (r *Route) Repeats(method string, header http.Header) bool {
	keys := header["Idempotency-Key"]
	hasKey := len(keys) == 1 && keys[0] != "" // of several an API may read any
	return slices.Contains(idempotent, method) || r.Repeatable || r.IdempotencyKey && hasKey
}

// routes finds an API's routes.
type routes struct {
	mux   *http.ServeMux
	by    map[string]*Route // pattern
	other *Route            // for what no pattern matches
}

func newRoutes(api file.API) routes {
	r := routes{mux: http.NewServeMux(), by: map[string]*Route{}, other: newRoute("", api.Settings)}
	for _, route := range api.Routes {
		r.mux.Handle(route.Pattern, http.NotFoundHandler())
		r.by[route.Pattern] = newRoute(route.Pattern, route.Settings)
	}
	return r
}

// end forgets what has been learned of attempts.
func (r *routes) end() {
	r.other.delay.End()
	for _, route := range r.by {
		route.delay.End()
	}
}

// Route returns the route of a request by its method and escaped path.
func (a *API) Route(method, path string) *Route {
	if len(a.routes.by) == 0 {
		return a.routes.other
	}
	if path == "" {
		path = "/"
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return a.routes.other
	}
	// The mux would redirect a path such as //a; its pattern is what counts.
	_, pattern := a.routes.mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: decoded, RawPath: path}})
	if route, ok := a.routes.by[pattern]; ok {
		return route
	}
	return a.routes.other
}
