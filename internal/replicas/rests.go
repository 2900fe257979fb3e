package replicas

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rest is the time that an API has asked for, by Retry-After.
type Rest struct {
	// API is its name.
	API string
	// URL is the number of the URL that has asked, from 0. Replicas have the same file.
	URL int
	// For is how long it wants to be left alone, from now on.
	For time.Duration
}

const (
	// restStep is by how much a rest must be longer than the one told before to be told: an API that turns many attempts away says the
	// same each time.
	restStep = 100 * time.Millisecond
	// mostUntold is how many rests wait until Redis has been told. More are not told.
	mostUntold = 64
)

// rests are those of APIs. Link.mu guards told.
type rests struct {
	told    map[Rest]time.Time // until when, by API and URL
	untold  chan Rest
	refused sync.Once // the log is told that Redis does not pass them on
}

func newRests() *rests {
	return &rests{told: map[Rest]time.Time{}, untold: make(chan Rest, mostUntold)}
}

// Tell has the other replicas know of a rest. It does not wait for that, and while Redis does not answer they do not get to know.
func (l *Link) Tell(r Rest) {
	if !l.isNews(r) {
		return
	}
	select {
	case l.rests.untold <- r:
	default:
	}
}

func (l *Link) isNews(r Rest) bool {
	of, until := Rest{API: r.API, URL: r.URL}, time.Now().Add(r.For)
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.Sub(l.rests.told[of]) < restStep {
		return false
	}
	l.rests.told[of] = until
	return true
}

// spread tells of rests until the end.
func (l *Link) spread() {
	for {
		select {
		case r := <-l.rests.untold:
			if l.Up() {
				l.noteRefusal(l.store.publish(l.write(r)))
			}
		case <-l.ctx.Done():
			return
		}
	}
}

// Heed calls heed with each rest that another replica tells of, until Close. heed must not block. Heed returns at once, and is for one call.
func (l *Link) Heed(heed func(Rest)) {
	l.running.Go(func() {
		for l.ctx.Err() == nil {
			l.noteRefusal(l.store.listen(l.ctx, func(text string) {
				if r, ok := l.read(text); ok {
					heed(r)
				}
			}))
			select {
			case <-time.After(retryEvery):
			case <-l.ctx.Done():
			}
		}
	})
}

// noteRefusal has the log know, once, of a Redis that is there and passes nothing on: its user may have no right to. Whether it is there a
// sign of life has to tell.
func (l *Link) noteRefusal(err error) {
	if isRefusal(err) && l.Up() {
		l.rests.refused.Do(func() {
			l.logger.Warn("Redis does not pass on the time that APIs ask for: each replica heeds what it is asked itself", "error", err.Error())
		})
	}
}

// write is a rest as it is published: who tells, the URL, the milliseconds, the API.
func (l *Link) write(r Rest) string {
	return fmt.Sprintf("%s %d %d %s", l.name, r.URL, r.For.Milliseconds(), r.API)
}

// read is a rest that somebody else has published. It is false for what is not one, and for what this replica has told.
func (l *Link) read(text string) (r Rest, ok bool) {
	parts := strings.SplitN(text, " ", 4) //nolint:mnd // those of write
	if len(parts) < 4 || parts[0] == l.name {
		return Rest{}, false
	}
	url, err := strconv.Atoi(parts[1])
	if err != nil {
		return Rest{}, false
	}
	ms, err := strconv.ParseUint(parts[2], 10, 31)
	return Rest{API: parts[3], URL: url, For: time.Duration(ms) * time.Millisecond}, err == nil
}
