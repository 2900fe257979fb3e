package http

import (
	"net/http"
	"net/http/pprof"
)

// NewAdmin returns the handler of what operators need and callers must not see. It has api's health endpoints too: callers can hold
// every connection of the other address, and then a probe there waits. page is the live page, with what it asks for. guard keeps
// pages of other origins from the profiles: the command line may have secrets in it, and a profile takes time.
func NewAdmin(api, metrics, page http.Handler, guard func(http.Handler) http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.Handle("/livez", api)
	mux.Handle("/readyz", api)
	mux.Handle("GET /metrics", metrics)
	profiles := http.NewServeMux()
	profiles.HandleFunc("/debug/pprof/", pprof.Index)
	profiles.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	profiles.HandleFunc("/debug/pprof/profile", pprof.Profile)
	profiles.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	profiles.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.Handle("/debug/pprof/", guard(profiles))
	return mux
}
