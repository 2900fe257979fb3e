package http_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	hedgerow "hedgerow/internal/http"
	"hedgerow/test/faultserver"
	"hedgerow/test/logtest"
)

func TestTheObserverOfACallIsToldWhatItAskedFor(t *testing.T) {
	var observed []string
	router := newRouter(t, hedgerow.Settings{
		Service:    scripted{answer: fanout.Answer[int64]{Values: []int64{1}}},
		MaxTimeout: maxTimeout, Logger: slog.New(slog.DiscardHandler), Ready: func() bool { return true },
		ObserveCall: func(call hedgerow.ObservedCall) {
			observed = append(observed, fmt.Sprint(call.Endpoint, " ", call.Status, " ", call.Timeout))
		},
	})
	expected := make([]string, 0, len(endpoints))
	for _, path := range endpoints {
		expected = append(expected, path+" 200 1.5s")
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path+"?timeout=1500", nil))
	}
	assert.Equal(t, expected, observed)
}

func TestTheStatusesAreThoseThatCallsAreAnsweredWith(t *testing.T) {
	var observed []int
	for err, target := range map[error]string{
		nil: "/api/all?timeout=1", errors.New("bad timeout"): "/api/all", errors.New("unknown"): "/api/all?timeout=1",
		fanout.ErrFailed: "/api/all?timeout=1", fanout.ErrTimedOut: "/api/all?timeout=1", fanout.ErrAbandoned: "/api/all?timeout=1",
		&fanout.RefusedError{}: "/api/all?timeout=1",
	} {
		router := newRouter(t, hedgerow.Settings{
			Service: scripted{err: err}, MaxTimeout: maxTimeout, Logger: slog.New(slog.DiscardHandler), Ready: func() bool { return true },
			ObserveCall: func(call hedgerow.ObservedCall) { observed = append(observed, call.Status) },
		})
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil))
	}
	assert.ElementsMatch(t, hedgerow.Statuses(), observed)
}

// timing matches a header Server-Timing whose attempts have these outcomes, by number. One that was refused has its reason behind a colon.
func timing(outcomes ...string) string {
	entries := make([]string, len(outcomes))
	for i, outcome := range outcomes {
		duration := `\d+(\.\d)?`
		if of, reason, ok := strings.Cut(outcome, ": "); ok {
			outcome, duration = of, `0;reason="`+reason+`"`
		}
		entries[i] = `attempt` + string(rune('1'+i)) + `;desc="` + outcome + `";dur=` + duration
	}
	return "^" + strings.Join(entries, ", ") + "$"
}

func TestTheAnswerOfACallTellsOfItsAttemptsInServerTiming(t *testing.T) {
	refusing := defaults()
	refusing.MaxInFlight = 0
	asksToWait := faultserver.Status(503, "", "Retry-After: 30")
	const asked, full = "refused: the upstream API asked to wait", "refused: too many attempts in flight"
	for name, test := range map[string]struct {
		settings   settings
		behaviours []faultserver.Behaviour
		call       string
		status     int
		timing     string
	}{
		"200":                   {defaults(), []faultserver.Behaviour{answers(1)}, "/api/all?timeout=60000", 200, timing("won", "won", "won")},
		"200 with losers":       {defaults(), []faultserver.Behaviour{fails, answers(2), hangs}, "/api/smart?timeout=60000", 200, timing("failed", "(won|running)", "(won|running)")},
		"200 with one attempt":  {defaults(), []faultserver.Behaviour{answers(1)}, "/api/smart?timeout=60000", 200, timing("won")},
		"200 without a success": {defaults(), []faultserver.Behaviour{hangs}, "/api/within-timeout?timeout=20", 200, timing("timed_out", "timed_out", "timed_out")},
		"502":                   {defaults(), []faultserver.Behaviour{fails}, "/api/first?timeout=60000", 502, timing("failed", "failed", "failed")},
		"502 without hedges":    {defaults(), []faultserver.Behaviour{asksToWait}, "/api/smart?timeout=60000", 502, timing("failed", asked, asked)},
		"503":                   {refusing, []faultserver.Behaviour{answers(1)}, "/api/first?timeout=60000", 503, timing(full, full, full)},
		"503 of smart":          {refusing, []faultserver.Behaviour{answers(1)}, "/api/smart?timeout=60000", 503, timing(full)},
		"504":                   {defaults(), []faultserver.Behaviour{hangs}, "/api/first?timeout=20", 504, timing("timed_out", "timed_out", "timed_out")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, test.settings, test.behaviours...)
			a := s.get(t, test.call)
			assert.Equal(t, test.status, a.StatusCode)
			require.Len(t, a.Header.Values("Server-Timing"), 1)
			assert.Regexp(t, test.timing, a.Header.Get("Server-Timing"))
		})
	}
	s := newService(t, defaults(), answers(1))
	a := s.do(t, http.MethodHead, "/api/all?timeout=60000")
	assert.Regexp(t, timing("won", "won", "won"), a.Header.Get("Server-Timing"))
}

func TestWhatMadeNoCallHasNoServerTiming(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, path := range append(endpoints, "/livez", "/readyz", "/", "/nope") {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			a := s.do(t, method, path)
			assert.Empty(t, a.Header.Values("Server-Timing"), "%s %s: %d", method, path, a.StatusCode)
		}
	}
}

// scripted is a service whose calls all end as scripted.
type scripted struct {
	answer fanout.Answer[int64]
	err    error
}

func (s scripted) Do(context.Context, fanout.Plan[int64]) (fanout.Answer[int64], error) {
	return s.answer, s.err
}

func TestServerTimingAndTheLogGiveDurationsToATenthOfAMillisecond(t *testing.T) {
	s := &service{log: &logtest.Log{}}
	s.start(t, scripted{answer: fanout.Answer[int64]{Values: []int64{1}, Attempts: []fanout.Attempt{
		{Number: 0, Outcome: fanout.Won, Duration: 131_460 * time.Microsecond},
		{Number: 1, Outcome: fanout.Running, Duration: 7 * time.Second},
		{Number: 2, Outcome: fanout.Failed, Duration: 49 * time.Microsecond, Err: &fanout.Failure{Reason: fanout.Reason{Kind: "status", Code: 500}}},
	}}})
	defer s.Close()
	a := s.get(t, "/api/first?timeout=1000")
	assert.Equal(t, `attempt1;desc="won";dur=131.5, attempt2;desc="running";dur=7000, attempt3;desc="failed";dur=0`,
		a.Header.Get("Server-Timing"))
	assert.Equal(t, "won 131.5ms, running 7000ms, failed 0ms (status 500)", s.log.Wait(t, "status", 200.0)["attempts"])
}

func TestTheHeaderAProblemAndTheLogSayWhyAnAttemptWasNotSent(t *testing.T) {
	refused := func(kind fanout.Kind) fanout.Attempt {
		return fanout.Attempt{Outcome: fanout.Refused, Err: &fanout.Failure{Reason: fanout.Reason{Kind: kind}}}
	}
	s := &service{log: &logtest.Log{}}
	s.start(t, scripted{err: fanout.ErrFailed, answer: fanout.Answer[int64]{Attempts: []fanout.Attempt{
		refused(fanout.KindCap), refused(fanout.KindWait), refused(fanout.KindPushback), refused(fanout.KindBudget), refused(fanout.KindQuota),
	}}})
	defer s.Close()
	a := s.get(t, "/api/smart?timeout=1000")
	assert.Equal(t, `attempt1;desc="refused";dur=0;reason="too many attempts in flight", `+
		`attempt1;desc="refused";dur=0;reason="the call has waited too long", `+
		`attempt1;desc="refused";dur=0;reason="the upstream API asked to wait", `+
		`attempt1;desc="refused";dur=0;reason="hedge budget is used up", `+
		`attempt1;desc="refused";dur=0;reason="quota is used up"`, a.Header.Get("Server-Timing"))
	p := problem(t, a, http.StatusBadGateway)
	assert.Equal(t, []hedgerow.AttemptReport{
		{Outcome: "refused", Reason: "too many attempts in flight"},
		{Outcome: "refused", Reason: "the call has waited too long"},
		{Outcome: "refused", Reason: "the upstream API asked to wait"},
		{Outcome: "refused", Reason: "hedge budget is used up"},
		{Outcome: "refused", Reason: "quota is used up"},
	}, p.Attempts)
	assert.Equal(t, "refused 0ms (too many attempts in flight), refused 0ms (the call has waited too long), "+
		"refused 0ms (the upstream API asked to wait), refused 0ms (hedge budget is used up), refused 0ms (quota is used up)", s.log.Wait(t, "status", 502.0)["attempts"])
}

func TestACallerOfAServiceThatIsNotReadyIsToldToTryAgainInASecond(t *testing.T) {
	router := newRouter(t, hedgerow.Settings{
		Service: scripted{}, Logger: slog.New(slog.DiscardHandler), Ready: func() bool { return false },
	})
	recorder := httptest.NewRecorder()
	router.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	assert.Equal(t, http.StatusServiceUnavailable, recorder.Code)
	assert.Equal(t, "1", recorder.Header().Get("Retry-After"))
}

func TestARefusedCallIsToldWhenToTryAgain(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "1", 1: "1", 400 * time.Millisecond: "1", time.Second: "1", time.Second + 1: "2", 29_500 * time.Millisecond: "30",
		60 * time.Second: "60", 61 * time.Second: "60", 24 * time.Hour: "60",
	} {
		s := &service{log: &logtest.Log{}}
		s.start(t, scripted{err: &fanout.RefusedError{RetryAfter: wait}})
		a := s.get(t, "/api/first?timeout=1000")
		problem(t, a, http.StatusServiceUnavailable)
		assert.Equal(t, want, a.Header.Get("Retry-After"), wait)
		s.Close()
	}
}

func TestACallThatTheQuotaRefusesIsToldSoAndWhenItsTurnComes(t *testing.T) {
	for wait, want := range map[time.Duration]string{400 * time.Millisecond: "1", 90*time.Second + 1: "91", time.Hour: "3600"} {
		s := &service{log: &logtest.Log{}}
		s.start(t, scripted{err: &fanout.RefusedError{Kind: fanout.KindQuota, RetryAfter: wait}})
		a := s.get(t, "/api/first?timeout=1000")
		p := problem(t, a, http.StatusServiceUnavailable)
		assert.Equal(t, "the quota of requests to the upstream API is used up, try again later", p.Detail)
		assert.Equal(t, want, a.Header.Get("Retry-After"), wait)
		s.Close()
	}
}
