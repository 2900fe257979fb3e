package gateway

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hedgerow/internal/config/file"
)

const (
	// lastAfter is how many attempts in a row fail at a URL before it is tried last: the default of Envoy's consecutive_5xx.
	lastAfter = 5
	// probeAfter is how long a URL stays last before a call tries it in its usual place: the default of Envoy's base_ejection_time. That
	// call may have to wait for its hedge, or fail if it makes one attempt: at ten calls a second one of 300. A URL that is well again is
	// first half a minute later at most. It is also the least time between two warnings about one URL, which may come and go many times a second.
	probeAfter = 30 * time.Second
)

// order is the order in which calls try an API's URLs. One that keeps failing while others answer is tried last, and in its usual place
// again once it answers. The URL that has answered latest is never put last. It is safe for concurrent use.
type order struct {
	spread   bool // first attempts go round the URLs
	logger   *slog.Logger
	turn     atomic.Uint64            // of first attempts
	standing atomic.Pointer[standing] // nil while no URL is put last

	mu   sync.Mutex // guards what is not atomic in urls
	urls []health
}

// health is what is known of a URL.
type health struct {
	heed     atomic.Bool // an answer from here would change something. Without it, nobody has to take the lock
	host     string      // for the log
	failures int         // attempts here that failed, in a row
	passed   bool        // another URL has answered since the first of them
	last     bool        // it is tried last
	due      time.Time   // while it is last: when a call tries it in its usual place
	told     bool        // the log knows that it is last
	quiet    time.Time   // when the log may be told so again
}

// standing is the order of URLs by their indexes. Nobody writes to it.
type standing struct {
	usual, last []int
	due         time.Time // when a call tries one of the last in its usual place; zero when they stand there
}

func newOrder(api *file.API, logger *slog.Logger) *order {
	o := &order{spread: api.Spread, logger: logger.With("api", api.Name), urls: make([]health, len(api.URLs))}
	for i := range o.urls {
		o.urls[i].host, _ = api.URLs[i].Host()
	}
	return o
}

// round is the order of the URLs for one call. It stays as it is when that of the API changes.
type round struct {
	urls, first int
	standing    *standing // nil: every URL is in its usual place
	probe       int       // the URL that this call alone has in its usual place, -1 without one
}

// url is the index of an attempt's URL.
func (r *round) url(number int) int {
	if r.standing == nil {
		return (r.first + number) % r.urls
	}
	usual, last := r.standing.usual, r.standing.last
	if number %= r.urls; number < len(usual) {
		return usual[(r.first+number)%len(usual)]
	}
	return last[number-len(usual)]
}

// begin returns the order for a call. Of the URLs that have been last for long enough it may have one in its usual place. A call that is
// reluctant gets none unless no other call has come for as long again.
func (o *order) begin(reluctant bool) round {
	r := round{urls: len(o.urls), standing: o.standing.Load(), probe: -1}
	among := r.urls
	if r.standing != nil {
		now := time.Now()
		if reluctant {
			now = now.Add(-probeAfter)
		}
		if due := r.standing.due; !due.IsZero() && !now.Before(due) {
			o.probe(&r, now)
		}
		among = len(r.standing.usual)
	}
	if o.spread && r.probe < 0 {
		r.first = int((o.turn.Add(1) - 1) % uint64(among)) //nolint:gosec // below the number of URLs
	}
	return r
}

// probe puts a URL that is due by now into its usual place for one call. With spread, that is the first.
func (o *order) probe(r *round, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.urls {
		h := &o.urls[i]
		if !h.last || now.Before(h.due) {
			continue
		}
		h.due = time.Now().Add(probeAfter)
		o.publish()
		r.probe, r.standing = i, o.stand(i)
		for place, url := range r.standing.usual {
			if o.spread && url == i {
				r.first = place
			}
		}
		return
	}
}

// giveBack has the next call probe a URL: the one that was to has not come to it.
func (o *order) giveBack(url int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.urls[url].due = time.Now()
	o.publish()
}

// answered takes into account that a URL has answered.
func (o *order) answered(url int) {
	if !o.urls[url].heed.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.urls {
		o.urls[i].passed = o.urls[i].failures > 0
	}
	h := &o.urls[url]
	h.failures, h.passed = 0, false
	if h.last {
		h.last = false
		o.publish()
		o.tell(url)
	}
	o.setHeed()
}

// failed takes into account that an attempt at a URL has failed.
func (o *order) failed(url int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := &o.urls[url]
	h.failures++
	if !h.last && h.passed && h.failures >= lastAfter {
		h.last, h.due = true, time.Now().Add(probeAfter)
		o.publish()
	}
	if h.last {
		o.tell(url)
	}
	o.setHeed()
}

// setHeed notes whose answers would change something: a URL's own after a failure, and any of the others' until one of them has come.
func (o *order) setHeed() {
	for i := range o.urls {
		heed := o.urls[i].failures > 0
		for j := range o.urls {
			heed = heed || j != i && o.urls[j].failures > 0 && !o.urls[j].passed
		}
		o.urls[i].heed.Store(heed)
	}
}

// publish has the calls that begin from now on go by the present order.
func (o *order) publish() {
	s := o.stand(-1)
	if len(s.last) == 0 {
		s = nil
	}
	o.standing.Store(s)
}

// stand returns the present order, with one URL in its usual place in any case; -1 is none.
func (o *order) stand(usual int) *standing {
	s := &standing{}
	for i := range o.urls {
		if o.urls[i].last && i != usual {
			s.last = append(s.last, i)
		} else {
			s.usual = append(s.usual, i)
		}
	}
	for _, i := range s.last {
		elsewhere := o.spread || i < s.usual[len(s.usual)-1] // than its usual place
		if due := o.urls[i].due; elsewhere && (s.due.IsZero() || due.Before(s.due)) {
			s.due = due
		}
	}
	return s
}

// tell has the log know that a URL is put last, or is back.
func (o *order) tell(url int) {
	h := &o.urls[url]
	now := time.Now()
	switch {
	case h.last && !h.told && !now.Before(h.quiet):
		h.told, h.quiet = true, now.Add(probeAfter)
		o.logger.Warn("a URL is tried last: it keeps failing while others answer", "url", url+1, "host", h.host, "failures", h.failures)
	case !h.last && h.told:
		h.told = false
		o.logger.Info("a URL is tried in its usual place again: it has answered", "url", url+1, "host", h.host)
	}
}
