package http_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
)

// diary writes down what watchers of calls are told.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) writef(format string, values ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, values...))
}

// watch watches every call.
func (d *diary) watch(b hedgerow.Beginning) hedgerow.CallWatcher {
	d.writef("%s begins: api %q, route %q, strategy %s, timeout %v", b.ID, b.API, b.Route, b.Strategy, b.Timeout)
	return &watchedCall{d, b}
}

type watchedCall struct {
	*diary
	hedgerow.Beginning
}

func (w *watchedCall) Fired(a fanout.Attempt) { w.writef("%s: attempt %d is fired", w.ID, a.Number) }
func (w *watchedCall) Ended(a fanout.Attempt) {
	w.writef("%s: attempt %d %s", w.ID, a.Number, a.Outcome)
}
func (w *watchedCall) Answered(status int) { w.writef("%s is answered: %d", w.ID, status) }

// watched returns the router of a service whose calls are watched, with the API "a" in the file.
func watched(t *testing.T, watch ...func(hedgerow.Beginning) hedgerow.CallWatcher) http.Handler {
	t.Helper()
	upstream := faultserver.New(t, faultserver.Status(http.StatusOK, "{}"))
	logger := slog.New(slog.DiscardHandler)
	apis := gateway.New(parseFile(t, `apis: {a: {url: "`+host(upstream)+`", attempts: 1, routes: {"GET /x/{id}": {timeout: 2s}}}}`),
		gateway.Settings{MaxInFlight: 100, Logger: logger})
	t.Cleanup(apis.Close)
	s := newService(t, defaults(), fails)
	return newRouter(t, hedgerow.Settings{
		Service: s.fanout, Source: s.source, Producers: 1, MaxTimeout: maxTimeout, Logger: logger,
		Gateway: apis, Buffer: gateway.NewBuffer(1 << 20), Via: forward.NewVia(pseudonym), Watch: watch,
		Ready:       func() bool { return true },
		ObserveCall: func(hedgerow.ObservedCall) {},
	})
}

func ask(router http.Handler, method, target, id string) {
	request := httptest.NewRequest(method, target, strings.NewReader(""))
	request.Header.Set("X-Request-Id", id)
	router.ServeHTTP(httptest.NewRecorder(), request)
}

func TestACallIsWatchedFromItsBeginningToItsAnswer(t *testing.T) {
	d := &diary{}
	router := watched(t, d.watch)
	ask(router, "GET", "/api/all?timeout=7000", "one")
	ask(router, "GET", "/proxy/a/x/5ecret?5ecret", "two")
	ask(router, "GET", "/proxy/a/", "three")
	assert.Equal(t, []string{
		`one begins: api "", route "/api/all", strategy all, timeout 7s`,
		"one: attempt 0 is fired",
		"one: attempt 0 failed",
		"one is answered: 502",
		`two begins: api "a", route "GET /x/{id}", strategy smart, timeout 2s`,
		"two: attempt 0 is fired",
		"two: attempt 0 won",
		"two is answered: 200",
		`three begins: api "a", route "", strategy smart, timeout 1s`,
		"three: attempt 0 is fired",
		"three: attempt 0 won",
		"three is answered: 200",
	}, d.lines)
}

func TestARequestThatIsNoCallIsNotWatched(t *testing.T) {
	d := &diary{}
	router := watched(t, d.watch)
	for _, target := range []string{"/api/all?timeout=x", "/livez", "/proxy/b/", "/proxy/a/..", "/nowhere"} {
		ask(router, "GET", target, "id")
	}
	ask(router, "POST", "/proxy/a/", "id")
	assert.Empty(t, d.lines)
}

func TestEachOfSeveralWatchersIsTold(t *testing.T) {
	first, second := &diary{}, &diary{}
	nobody := func(hedgerow.Beginning) hedgerow.CallWatcher { return nil }
	ask(watched(t, nobody, first.watch, nobody, second.watch), "GET", "/api/first?timeout=7000", "id")
	require.Len(t, first.lines, 4)
	assert.Equal(t, first.lines, second.lines)
	alone := &diary{}
	ask(watched(t, nobody, alone.watch), "GET", "/api/first?timeout=7000", "id")
	assert.Equal(t, first.lines, alone.lines)
	ask(watched(t, nobody), "GET", "/api/first?timeout=7000", "id")
}

func TestTheArrivalOfAWatchedCallIsThatOfItsRequest(t *testing.T) {
	var came time.Time
	router := watched(t, func(b hedgerow.Beginning) hedgerow.CallWatcher {
		came = b.Arrival
		assert.Equal(t, "/api/first", b.Request.URL.Path)
		return nil
	})
	before := time.Now()
	ask(router, "GET", "/api/first?timeout=7000", "id")
	assert.WithinRange(t, came, before, time.Now())
}
