package file

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// routesOf collects an API's patterns as they are read.
type routesOf struct {
	mux  *http.ServeMux
	read []Route
	at   []position
}

// routes reads an API's routes. w is what the API says.
func (d *decoder) routes(n node, w draft) []Route {
	if n.name == "" || !d.is(n, mapping, `a map of patterns, such as {"GET /search/": {timeout: 3s}}`) {
		return nil
	}
	routes := routesOf{mux: http.NewServeMux()}
	for _, e := range n.entries {
		route := w.next()
		settingsKeys.read(d, d.without(e.value, apiKeys, settingsKeys, "belongs to the API: a route cannot change it"), &route)
		route.settle(d, d.Strategies)
		if d.isPattern(e, route.Methods) && d.fitsIn(&routes, e) {
			routes.read = append(routes.read, Route{e.key, route.Settings})
			routes.at = append(routes.at, e.at)
		}
	}
	return routes.read
}

// isPattern tells what is wrong with a pattern by itself.
func (d *decoder) isPattern(e entry, methods []string) bool {
	verb, path, hasMethod := strings.Cut(e.key, " ")
	if !hasMethod {
		verb, path = "", e.key
	}
	path = strings.TrimLeft(path, " \t")
	_, methodErr := method(verb)
	dead := neverMatched(path)
	const expected = `: expected a path, or a method and a path, like "GET /search/" or "POST /orders/{id}/pay"`
	problem := ""
	switch {
	case !strings.HasPrefix(path, "/"),
		strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' || c == '?' }):
		problem = "is not a pattern" + expected
	case dead != "":
		problem = "is never called: " + dead
	case hasMethod && methodErr != nil:
		problem = "has a method that " + methodErr.Error()
	case hasMethod && !matchesOne(verb, methods):
		problem = "is never called: expected one of its methods, " + allOf(methods) + ", or others under methods"
	default:
		if reason := register(http.NewServeMux(), e.key); reason != nil {
			problem = "is not a pattern (" + patternReason(reason) + ")" + expected
		}
	}
	if problem != "" {
		d.addf(e.at, "routes: %s %s", quote(e.key), problem)
	}
	return problem == ""
}

// matchesOne tells whether a pattern with this method matches requests of one of these.
func matchesOne(verb string, methods []string) bool {
	return slices.Contains(methods, verb) || verb == http.MethodGet && slices.Contains(methods, http.MethodHead)
}

// neverMatched tells why no request can have a path like that of a pattern, empty when one can.
func neverMatched(path string) string {
	switch {
	case slices.ContainsFunc(strings.Split(path, "/"), func(segment string) bool { return segment == "." || segment == ".." }):
		return "a path with . or .. in it is refused"
	case strings.Contains(path, "//"):
		return "net/http matches no path with an empty segment"
	}
	return ""
}

// fitsIn registers a pattern beside those before it, and tells with which of them it conflicts.
func (d *decoder) fitsIn(r *routesOf, e entry) bool {
	if register(r.mux, e.key) == nil {
		return true
	}
	with := ""
	for i := 0; i < len(r.read) && len(d.List) < maxShown; i++ { // beyond, nobody sees it, and it takes time
		pair := http.NewServeMux()
		pair.Handle(r.read[i].Pattern, http.NotFoundHandler())
		if register(pair, e.key) != nil {
			with = fmt.Sprintf("%s at %v", quote(r.read[i].Pattern), r.at[i])
			break
		}
	}
	d.addf(e.at, "routes: %s conflicts with %s: expected patterns of which one is more specific", quote(e.key), with)
	return false
}

// register is the reason why net/http does not take a pattern, for which it panics.
func register(mux *http.ServeMux, pattern string) (reason any) {
	defer func() { reason = recover() }()
	mux.Handle(pattern, http.NotFoundHandler())
	return nil
}

// patternReason is net/http's reason without the pattern, which has been told.
func patternReason(reason any) string {
	text := fmt.Sprint(reason)
	if _, after, ok := strings.Cut(text, `": `); ok {
		return after
	}
	return text
}
