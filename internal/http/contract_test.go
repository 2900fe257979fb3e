package http_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
	"hedgerow/test/logtest"
)

var (
	endpoints = hedgerow.Endpoints()
	fails     = faultserver.Status(500, `{"error":"no"}`)
	hangs     = faultserver.Hang("")
)

func answers(time int) faultserver.Behaviour { return faultserver.Answer(time) }

func outcomesOf(p hedgerow.Problem) []string {
	outcomes := make([]string, len(p.Attempts))
	for i, a := range p.Attempts {
		outcomes[i] = a.Outcome
	}
	return outcomes
}

func TestAnAnswerIsTheTimeAndNothingElseOfTheBody(t *testing.T) {
	s := newService(t, defaults(), faultserver.JSON(`{"time": 5, "secret": "x", "Time": 7}`))
	for path, body := range map[string]string{
		"/api/first": `{"time":5}`, "/api/smart": `{"time":5}`,
		"/api/all": `[{"time":5},{"time":5},{"time":5}]`, "/api/within-timeout": `[{"time":5},{"time":5},{"time":5}]`,
	} {
		a := s.get(t, path+"?timeout=10000")
		assert.Equal(t, http.StatusOK, a.StatusCode, path)
		assert.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"), path)
		assert.Equal(t, body, a.body, path)
	}
}

func TestAllAnswersWithTheSuccessesInOrderOfArrival(t *testing.T) {
	taken := make(chan struct{})
	settings := defaults()
	var once sync.Once
	settings.Observe = func(_ context.Context, a fanout.Attempt) {
		if a.Outcome == fanout.Won {
			once.Do(func() { close(taken) })
		}
	}
	s := newService(t, settings, fails, faultserver.When(taken, answers(1)), answers(2))
	a := s.get(t, "/api/all?timeout=10000")
	assert.Equal(t, `[{"time":2},{"time":1}]`, a.body)
}

func TestFirstDoesNotWaitForLosers(t *testing.T) {
	s := newService(t, defaults(), hangs, answers(2), hangs)
	a := s.get(t, "/api/first?timeout=60000")
	assert.Equal(t, `{"time":2}`, a.body)
}

func TestWithinTimeoutAnswersWithWhatThereIsAtTheTimeout(t *testing.T) {
	s := newService(t, defaults(), hangs, answers(2), fails)
	a := s.get(t, "/api/within-timeout?timeout=1000")
	assert.Equal(t, http.StatusOK, a.StatusCode)
	assert.Equal(t, `[{"time":2}]`, a.body)
}

func TestSmartSendsOneRequestWhenTheFirstSucceedsInTime(t *testing.T) {
	settings := defaults()
	settings.HedgeDelay = time.Hour
	s := newService(t, settings, answers(1))
	for range 10 {
		assert.Equal(t, `{"time":1}`, s.get(t, "/api/smart?timeout=10000").body)
	}
	assert.Equal(t, 10, s.upstream.Requests())
}

func TestSmartSendsTwoMoreWhenTheFirstFails(t *testing.T) {
	settings := defaults()
	settings.HedgeDelay = time.Hour
	s := newService(t, settings, fails, hangs, answers(3))
	assert.Equal(t, `{"time":3}`, s.get(t, "/api/smart?timeout=10000").body)
	assert.Equal(t, 3, s.upstream.Requests())
}

func TestSmartSendsTwoMoreAtTheHedgeDelay(t *testing.T) {
	settings := defaults()
	settings.HedgeDelay = 20 * time.Millisecond
	s := newService(t, settings, hangs, hangs, answers(3))
	assert.Equal(t, `{"time":3}`, s.get(t, "/api/smart?timeout=10000").body)
	assert.Equal(t, 3, s.upstream.Requests())
}

func TestSmartLetsTheFirstAttemptsLateSuccessWin(t *testing.T) {
	settings := defaults()
	settings.HedgeDelay = 20 * time.Millisecond
	hedged := make(chan struct{})
	s := newService(t, settings, faultserver.When(hedged, answers(1)), hangs, hangs)
	go func() {
		s.upstream.WaitForRequests(t, 3)
		close(hedged)
	}()
	assert.Equal(t, `{"time":1}`, s.get(t, "/api/smart?timeout=10000").body)
}

func TestAllAttemptsFailed(t *testing.T) {
	s := newService(t, defaults(), faultserver.After(2*time.Millisecond, fails))
	for _, path := range []string{"/api/all", "/api/first", "/api/smart"} {
		p := problem(t, s.get(t, path+"?timeout=60000"), http.StatusBadGateway)
		assert.Equal(t, "all attempts at the upstream API failed", p.Detail)
		require.Len(t, p.Attempts, 3)
		for _, attempt := range p.Attempts {
			assert.Equal(t, "failed", attempt.Outcome)
			assert.Equal(t, "status 500", attempt.Reason)
			assert.GreaterOrEqual(t, attempt.Duration, 2.0)
		}
	}
	a := s.get(t, "/api/within-timeout?timeout=60000")
	assert.Equal(t, http.StatusOK, a.StatusCode)
	assert.Equal(t, `[]`, a.body)
}

func TestNothingAtTheTimeout(t *testing.T) {
	for path, want := range map[string][]string{
		"/api/all":   {"timed_out", "timed_out", "timed_out"},
		"/api/first": {"timed_out", "timed_out", "timed_out"},
		"/api/smart": {"timed_out"},
	} {
		s := newService(t, defaults(), hangs)
		p := problem(t, s.get(t, path+"?timeout=50"), http.StatusGatewayTimeout)
		assert.Equal(t, "no answer from the upstream API within the timeout", p.Detail)
		assert.Equal(t, want, outcomesOf(p), path)
		assert.GreaterOrEqual(t, p.Attempts[0].Duration, 49.0)
		assert.Empty(t, p.Attempts[0].Reason)
	}
	s := newService(t, defaults(), hangs)
	assert.Equal(t, `[]`, s.get(t, "/api/within-timeout?timeout=50").body)
}

func TestAllWithOneAttemptRunningAtTheTimeout(t *testing.T) {
	s := newService(t, defaults(), answers(1), fails, hangs)
	p := problem(t, s.get(t, "/api/all?timeout=1000"), http.StatusGatewayTimeout)
	assert.ElementsMatch(t, []string{"won", "failed", "timed_out"}, outcomesOf(p))
}

func TestAnUpstreamFaultIsAFailedAttemptOrEndsAtTheDeadline(t *testing.T) {
	for _, fault := range faultserver.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, defaults(), fault.Behaviour)
			timeout, status := "?timeout=60000", http.StatusBadGateway // a failure does not wait for it
			if fault.Kind == faultserver.Silence {
				timeout, status = "?timeout=2500", http.StatusGatewayTimeout
			}
			for path, a := range s.getAll(t, endpoints, timeout) {
				if path == "/api/within-timeout" {
					assert.Equal(t, http.StatusOK, a.StatusCode)
					assert.Equal(t, `[]`, a.body)
					continue
				}
				for _, attempt := range problem(t, a, status).Attempts {
					assert.Equal(t, fault.Reason, attempt.Reason, path)
				}
			}
		})
	}
}

func TestBeyondTheCapACallIsRefusedWithoutAnUpstreamRequest(t *testing.T) {
	settings := defaults()
	settings.MaxInFlight = 3
	s := newService(t, settings, hangs)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/all?timeout=60000", nil)
		_, err := s.Client().Do(request)
		gone <- err
	}()
	s.upstream.WaitForRequests(t, 3)
	for _, path := range endpoints {
		a := s.get(t, path+"?timeout=1000")
		p := problem(t, a, http.StatusServiceUnavailable)
		assert.Equal(t, "1", a.Header.Get("Retry-After"))
		assert.Empty(t, p.Attempts)
	}
	assert.Equal(t, 3, s.upstream.Requests())
	assert.Equal(t, http.StatusOK, s.get(t, "/livez").StatusCode)
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
}

func TestACallerGoneCancelsItsAttemptsAndIsLoggedAs499(t *testing.T) {
	cancelled := make(chan struct{}, 3)
	s := newService(t, defaults(), func(conn net.Conn) bool {
		hangs(conn)
		cancelled <- struct{}{}
		return false
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		s.upstream.WaitForRequests(t, 3)
		cancel()
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/first?timeout=60000", nil)
	require.NoError(t, err)
	_, err = s.Client().Do(request)
	require.ErrorIs(t, err, context.Canceled)
	for range 3 {
		<-cancelled
	}
	line := s.log.Wait(t, "status", 499.0)
	assert.Equal(t, "INFO", line["level"])
	assert.Equal(t, 3, strings.Count(line["attempts"].(string), "abandoned"))
}

func TestAPanicOfAnAttemptIsAFailedAttempt(t *testing.T) {
	source := func(context.Context, fanout.Attempt) (int64, error) { panic("boom at 127.0.0.1") }
	s := &service{log: &logtest.Log{}, source: source, settings: defaults()}
	s.start(t, fanout.New[int64](defaults().Settings))
	defer s.Close()
	p := problem(t, s.get(t, "/api/first?timeout=1000"), http.StatusBadGateway)
	assert.Equal(t, "internal error", p.Attempts[0].Reason)
}

// service that panics or fails in a way that no caller can help.
type broken struct{ err error }

func (b broken) Do(context.Context, fanout.Plan[int64]) (fanout.Answer[int64], error) {
	if b.err == nil {
		panic("boom at 127.0.0.1")
	}
	return fanout.Answer[int64]{}, b.err
}

func TestAPanicOfAHandlerIsA500AndTheProcessGoesOn(t *testing.T) {
	s := &service{log: &logtest.Log{}}
	s.start(t, broken{})
	defer s.Close()
	p := problem(t, s.get(t, "/api/first?timeout=1000"), http.StatusInternalServerError)
	assert.Equal(t, "internal error", p.Detail)
	line := s.log.Wait(t, "msg", "panic in a handler")
	assert.Contains(t, line["stack"], "broken.Do")
	assert.Equal(t, "ERROR", s.log.Wait(t, "status", 500.0)["level"])
	assert.Equal(t, http.StatusOK, s.get(t, "/livez").StatusCode)
}

func TestAnUnknownErrorIsA500WithoutDetail(t *testing.T) {
	s := &service{log: &logtest.Log{}}
	s.start(t, broken{errors.New("at 127.0.0.1")})
	defer s.Close()
	p := problem(t, s.get(t, "/api/first?timeout=1000"), http.StatusInternalServerError)
	assert.Equal(t, "internal error", p.Detail)
}

func TestCallsToTheAPIAreObservedAlsoWhenTheHandlerPanics(t *testing.T) {
	var observed []string
	router := newRouter(t, hedgerow.Settings{
		Service: broken{}, MaxTimeout: maxTimeout, Logger: slog.New(slog.DiscardHandler), Ready: func() bool { return true },
		ObserveCall: func(call hedgerow.ObservedCall) {
			observed = append(observed, fmt.Sprint(call.Endpoint, " ", call.Status, " ", call.Timeout))
		},
	})
	for _, target := range []string{"/api/first?timeout=1000", "/api/all", "/livez", "/nope", "/api/nope"} {
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil))
	}
	assert.Equal(t, []string{"/api/first 500 0s", "/api/all 400 0s"}, observed)
}
