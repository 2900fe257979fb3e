package gateway

import (
	"time"

	"hedgerow/internal/quota"
)

// Load is what an API does now.
type Load struct {
	API string
	// Calls and Attempts run now, losers included. Those that began before the API was swapped are not counted.
	Calls, Attempts int
	// MaxAttempts is the cap on attempts.
	MaxAttempts int
	// HedgeDelays is how long a call with its route's timeout waits for its first attempt, by the route's pattern; "" for what no route
	// matches.
	HedgeDelays map[string]time.Duration
	// HedgeBudget is how many hedges the budget has left, from 0 to 10. It stays 10 while there is none.
	HedgeBudget float64
	// Quota is what bounds the requests over time; its zero value says that nothing does.
	Quota quota.Load
	// Last tells of each URL, in the order of the file, whether it is tried last.
	Last []bool
}

// Loads returns what each API does now.
func (g *Gateway) Loads() []Load {
	apis := *g.apis.Load()
	loads := make([]Load, 0, len(apis))
	for _, a := range apis {
		loads = append(loads, a.load())
	}
	return loads
}

func (a *API) load() Load {
	l := Load{
		API: a.Name(), Calls: a.engine.CallsInFlight(), Attempts: a.engine.InFlight(), MaxAttempts: a.maxInFlight,
		HedgeDelays: a.routes.hedgeDelays(), HedgeBudget: a.engine.Budget(), Last: a.order.last(),
	}
	if a.quota != nil {
		l.Quota = a.quota.Load()
	}
	return l
}

// hedgeDelays are those of the routes, by their patterns.
func (r *routes) hedgeDelays() map[string]time.Duration {
	delays := map[string]time.Duration{r.other.Pattern: r.other.HedgeDelay(r.other.Timeout)}
	for pattern, route := range r.by {
		delays[pattern] = route.HedgeDelay(route.Timeout)
	}
	return delays
}

// last tells of each URL whether it is tried last.
func (o *order) last() []bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := make([]bool, len(o.urls))
	for i := range o.urls {
		last[i] = o.urls[i].last
	}
	return last
}
