package http

import (
	"net/http"
	"net/http/pprof"
)

// NewAdmin returns the handler of what operators need and callers must not see. It has api's health endpoints too: callers can hold
// every connection of the other address, and then a probe there waits. page is the live page, with what it asks for.
func NewAdmin(api, metrics, page http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.Handle("/livez", api)
	mux.Handle("/readyz", api)
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
