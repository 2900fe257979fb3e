package gateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/file"
	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	"hedgerow/internal/upstream"
	"hedgerow/test/logtest"
	"hedgerow/test/pause"
)

const (
	ms    = time.Millisecond
	tick  = time.Nanosecond // a timer of the engine fires this much past its time
	grace = 250 * ms
	hangs = 24 * time.Hour
)

var strategies = map[string]fanout.Strategy[*gateway.Answer]{
	"smart": fanout.Smart[*gateway.Answer], "first": fanout.First[*gateway.Answer], "all": fanout.All[*gateway.Answer],
	"within-timeout": fanout.WithinTimeout[*gateway.Answer],
}

// step is what one attempt gets after a while, unless it is cut before: an answer, or an error.
type step struct {
	after  time.Duration
	status int
	header http.Header
	body   string
	err    error
}

// sending is an attempt that was made.
type sending struct {
	url, number int
	at          time.Duration // since the script began
	request     *upstream.Request
}

// script makes the attempts of an API. play says what becomes of each.
type script struct {
	play func(s sending) step

	mu    sync.Mutex
	began time.Time
	sent  []sending
	cut   []time.Duration // when attempts were cut
}

func newScript(play func(s sending) step) *script {
	return &script{play: play, began: time.Now()}
}

// always does the same at each attempt.
func always(s step) *script { return newScript(func(sending) step { return s }) }

func (s *script) exchange(ctx context.Context, url int, a fanout.Attempt, r *upstream.Request) (*gateway.Answer, error) {
	made := sending{url, a.Number, time.Since(s.began), r}
	s.mu.Lock()
	s.sent = append(s.sent, made)
	s.mu.Unlock()
	todo := s.play(made)
	if err := pause.For(ctx, todo.after); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut = append(s.cut, time.Since(s.began))
		return nil, err
	}
	if todo.err != nil {
		return nil, todo.err
	}
	body := []byte(todo.body)
	return &gateway.Answer{Attempt: a.Number, URL: made.url, Proto: "HTTP/1.1", Status: todo.status, Header: todo.header, Body: body, Unpacked: body}, nil
}

// order is where attempts have gone so far, in the order of their numbers.
func (s *script) order() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := slices.SortedFunc(slices.Values(s.sent), func(a, b sending) int { return a.number - b.number })
	urls := make([]int, len(made))
	for i, m := range made {
		urls[i] = m.url
	}
	return urls
}

func (s *script) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// gate is a gateway, and what calls to it share.
type gate struct {
	*gateway.Gateway
	buffer *gateway.Buffer
	log    *logtest.Log
}

func parse(t *testing.T, text string) []file.API {
	t.Helper()
	f, err := file.Reader{}.Parse("apis.yaml", []byte(text))
	require.NoError(t, err, text)
	return f.APIs
}

// newGate returns a gateway to the APIs of a file.
func newGate(t *testing.T, text string) *gate {
	t.Helper()
	log := &logtest.Log{}
	return &gate{
		gateway.New(parse(t, text), gateway.Settings{
			UserAgent: "ours", LoserGrace: grace, MaxInFlight: 100, Logger: slog.New(slog.NewJSONHandler(log, nil)),
		}),
		gateway.NewBuffer(1 << 20), log,
	}
}

// one is a file with the API "a", which has these settings beside its URL.
func one(settings string) string { return "apis: {a: {url: 'http://h', " + settings + "}}" }

// mirrored is a file with the API "a" at three URLs.
func mirrored(settings string) string {
	return "apis: {a: {urls: ['http://h1', 'http://h2', 'http://h3'], " + settings + "}}"
}

// start returns a gateway to the API "a", whose attempts follow a script.
func start(t *testing.T, text string, s *script) *gate {
	t.Helper()
	g := newGate(t, text)
	g.follow("a", s)
	return g
}

// follow has an API's attempts follow a script.
func (g *gate) follow(api string, s *script) {
	a := g.Use(api)
	defer a.Release()
	a.Script(s.exchange)
}

// call makes a call to an API, by the strategy and the timeout of the route. fields are those of the request, name by name.
func (g *gate) call(t *testing.T, api, method, path string, fields ...string) (gateway.Result, error) {
	t.Helper()
	return g.callBy(t.Context(), t, api, method, path, func(c *gateway.Call) {
		for i := 0; i+1 < len(fields); i += 2 {
			c.Request.Header.Add(fields[i], fields[i+1])
		}
	})
}

// callBy is call by a caller with a context, who may change the call.
func (g *gate) callBy(ctx context.Context, t *testing.T, api, method, path string, change func(*gateway.Call)) (gateway.Result, error) {
	t.Helper()
	a := g.Use(api)
	defer a.Release()
	request := httptest.NewRequest(method, "/proxy/"+api+path, nil)
	target, err := forward.ParseTarget(request.RequestURI)
	require.NoError(t, err)
	route := a.Route(method, target.Path)
	holding := g.buffer.Hold()
	defer holding.End()
	call := gateway.Call{
		Route: route, Strategy: strategies[route.Strategy], Arrival: time.Now(), Timeout: route.Timeout,
		Request: request, Target: target, Body: []byte("body"), Via: forward.NewVia("me"), Holding: holding,
	}
	change(&call)
	return a.Do(ctx, call)
}

// outcomes are those of a result's attempts.
func outcomes(r gateway.Result) []fanout.Outcome {
	all := make([]fanout.Outcome, len(r.Attempts))
	for i, a := range r.Attempts {
		all[i] = a.Outcome
	}
	return all
}

// reasons are those of a result's attempts.
func reasons(r gateway.Result) []string {
	all := make([]string, len(r.Attempts))
	for i, a := range r.Attempts {
		all[i] = a.Reason().String()
	}
	return all
}

// assertBody checks that a call was answered with one answer, and with which body.
func assertBody(t *testing.T, want string, r gateway.Result, err error) {
	t.Helper()
	require.NoError(t, err)
	require.Len(t, r.Values, 1)
	assert.Equal(t, want, string(r.Values[0].Body))
}
