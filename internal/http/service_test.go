package http_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/hedge"
	hedgerow "hedgerow/internal/http"
	"hedgerow/internal/listen"
	"hedgerow/internal/upstream"
	"hedgerow/test/faultserver"
	"hedgerow/test/logtest"
)

const maxTimeout = 60 * time.Second

// service is the whole product over real sockets, in front of an upstream that misbehaves as scripted.
type service struct {
	*httptest.Server
	upstream *faultserver.Server
	fanout   *fanout.Service[int64]
	source   fanout.Source[int64]
	client   *upstream.Client
	log      *logtest.Log
	settings settings
}

// settings are those of the engine and of its calls.
type settings struct {
	fanout.Settings

	Producers  int
	HedgeDelay time.Duration
}

func defaults() settings {
	return settings{fanout.Settings{LoserGrace: 250 * time.Millisecond, MaxInFlight: 3000}, 3, 300 * time.Millisecond}
}

func newService(t *testing.T, settings settings, behaviours ...faultserver.Behaviour) *service {
	t.Helper()
	s := &service{upstream: faultserver.New(t, behaviours...), log: &logtest.Log{}, settings: settings}
	target, err := url.Parse(s.upstream.URL)
	require.NoError(t, err)
	s.client = upstream.New(upstream.Settings{URLs: []*url.URL{target}, MaxBody: 1 << 20, MaxConnections: settings.MaxInFlight})
	s.source = s.client.Fetch
	s.fanout = fanout.New[int64](settings.Settings)
	s.start(t, s.fanout)
	t.Cleanup(s.client.Close)
	t.Cleanup(s.fanout.Wait)
	t.Cleanup(s.Close)
	return s
}

func newRouter(t testing.TB, s hedgerow.Settings) http.Handler {
	t.Helper()
	if s.Hedge == nil {
		s.Hedge = hedge.New(hedge.Settings{})
	}
	router, err := hedgerow.NewRouter(s)
	require.NoError(t, err)
	return router
}

// start serves calls to any service; the fields of the scripted upstream stay as they are.
func (s *service) start(t *testing.T, calls hedgerow.Service) {
	t.Helper()
	logger := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Server = httptest.NewUnstartedServer(nil)
	s.Config = listen.NewServer(newRouter(t, hedgerow.Settings{
		Service: calls, Source: s.source, SourceWith: s.client.FetchWith, Producers: s.settings.Producers, Hedge: hedge.New(hedge.Settings{When: hedge.When{Delay: s.settings.HedgeDelay}}),
		MaxTimeout: maxTimeout, Logger: logger,
		Ready:       func() bool { return true },
		ObserveCall: func(hedgerow.ObservedCall) {},
	}), maxTimeout, logger)
	s.Start()
}

// answer is a response that has been read to its end.
type answer struct {
	*http.Response
	body string
}

func (s *service) do(t *testing.T, method, pathAndQuery string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+pathAndQuery, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := s.Client().Do(request)
	require.NoError(t, err)
	defer func() { assert.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response, string(body)}
}

func (s *service) get(t *testing.T, pathAndQuery string) answer {
	t.Helper()
	return s.do(t, http.MethodGet, pathAndQuery)
}

// getAll makes a call to every path at once, and returns the answers by path.
func (s *service) getAll(t *testing.T, paths []string, query string) map[string]answer {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]answer{}
	var calls sync.WaitGroup
	for _, path := range paths {
		calls.Go(func() {
			a := s.get(t, path+query)
			mu.Lock()
			defer mu.Unlock()
			answers[path] = a
		})
	}
	calls.Wait()
	require.Len(t, answers, len(paths))
	return answers
}

// problem checks that an answer is problem details in every member that all of them share, and returns it.
func problem(t *testing.T, a answer, status int) hedgerow.Problem {
	t.Helper()
	assert.Equal(t, status, a.StatusCode, a.body)
	assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	var p hedgerow.Problem
	decoder := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&p))
	assert.Equal(t, "about:blank", p.Type)
	assert.Equal(t, http.StatusText(status), p.Title)
	assert.Equal(t, status, p.Status)
	assert.NotEmpty(t, p.Detail)
	assert.Equal(t, p.Detail, p.Error)
	assert.Equal(t, a.Header.Get("X-Request-Id"), p.RequestID)
	assert.NotContains(t, a.body, "127.0.0.1", "no internal detail reaches the caller")
	return p
}
