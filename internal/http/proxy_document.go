package http

import (
	"net/http"
	"strings"
	"time"

	"hedgerow/internal/console"
	"hedgerow/internal/gateway"
)

// documented returns what the console shows of the APIs that a gateway has at the time. nil: there is no gateway.
func documented(g *gateway.Gateway) func() []console.API {
	if g == nil {
		return nil
	}
	return func() []console.API {
		present := g.APIs()
		apis := make([]console.API, 0, len(present))
		for _, api := range present {
			shown := console.API{Name: api.Name(), Example: api.Example()}
			path, _, _ := strings.Cut(shown.Example, "?")
			for _, method := range api.Methods(path) {
				route := api.Route(method, path)
				shown.Operations = append(shown.Operations, console.Operation{
					Method: method, Timeout: route.Timeout, MaxTimeout: route.MaxTimeout, Strategy: route.Strategy,
				})
			}
			apis = append(apis, shown)
		}
		return apis
	}
}

// proxyDetails are what callers of /proxy/ are told, by status, where the document has no example of it.
func proxyDetails() map[int]string {
	_, repeated := parseTimeoutHeader([]string{"1", "2"}, 0, time.Minute)
	details := map[int]string{http.StatusBadRequest: repeated.Error()}
	for _, err := range []error{errUnknownAPI, errMethodNotAllowed, errBodySlow, errBodyTooLarge, errLoop} {
		status, detail := errorStatus(err)
		details[status] = detail
	}
	return details
}
