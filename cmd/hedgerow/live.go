package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"hedgerow/internal/config"
	"hedgerow/internal/http"
	"hedgerow/internal/live"
	"hedgerow/internal/metrics"
)

// newPage returns the live page of what calls and apis do, nil when the admin address is off. The console listens at console.
func newPage(settings config.Serve, console net.Addr, calls *engine, apis *apis, measures *metrics.Metrics) *live.Page {
	if settings.AdminAddr == nil {
		return nil
	}
	hostname, _ := os.Hostname() // empty: the page goes without
	port := console.(*net.TCPAddr).Port
	return live.New(live.Settings{
		Hostname: hostname, Version: version, ConsolePort: port, Words: http.ReasonWords,
		APIs: func() []live.API { return append([]live.API{calls.figures(measures)}, apis.figures()...) },
		Configuration: func() string {
			return settings.Describe() + "\n" + apis.describe(fmt.Sprintf("localhost:%d", port))
		},
	})
}

// watch returns the page's record of a call that begins.
func watch(page *live.Page) func(http.Beginning) http.CallWatcher {
	return func(b http.Beginning) http.CallWatcher {
		return page.Begin(live.Beginning{ID: b.ID, API: b.API, Route: b.Route, Strategy: b.Strategy, Arrival: b.Arrival, Timeout: b.Timeout})
	}
}

// figures are what is known of the challenge's API.
func (e *engine) figures(measures *metrics.Metrics) live.API {
	delay := e.delay()
	return live.API{
		Counted: live.Counted(measures.Counted()), CallsInFlight: e.service.CallsInFlight(), AttemptsInFlight: e.service.InFlight(),
		ShortestDelay: delay, LongestDelay: delay, Budgeted: e.budgeted, Budget: e.service.Budget(),
	}
}

// figures are what is known of each API of the file, in the order of their names.
func (a *apis) figures() []live.API {
	if a.gateway == nil {
		return nil
	}
	counted, budgeted := a.measures.Counted(), map[string]bool{}
	for _, api := range a.gateway.APIs() {
		budgeted[api.Name()] = api.Budgeted()
	}
	var all []live.API
	for _, load := range a.gateway.Loads() {
		delays := make([]time.Duration, 0, len(load.HedgeDelays))
		for _, delay := range load.HedgeDelays {
			delays = append(delays, delay)
		}
		all = append(all, live.API{
			Name: load.API, Counted: live.Counted(counted[load.API]), CallsInFlight: load.Calls, AttemptsInFlight: load.Attempts,
			ShortestDelay: slices.Min(delays), LongestDelay: slices.Max(delays), Budgeted: budgeted[load.API], Budget: load.HedgeBudget,
		})
	}
	slices.SortFunc(all, func(a, b live.API) int { return strings.Compare(a.Name, b.Name) })
	return all
}
