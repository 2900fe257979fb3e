package testserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// get calls the handler itself and returns its answer and how long that took.
func get(s *Server) (*httptest.ResponseRecorder, time.Duration) {
	recorder, start := httptest.NewRecorder(), time.Now()
	s.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, Path, nil))
	return recorder, time.Since(start)
}

func TestAnAnswerTakesExactlyTheTimeThatItNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Settings{Min: 100 * time.Millisecond, Max: 600 * time.Millisecond, Seed: 7})
		for i, expected := range plans(New(s.settings), 100) {
			answer, elapsed := get(s)
			require.Equal(t, http.StatusOK, answer.Code)
			require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
			require.Equal(t, fmt.Sprintf(`{"time": %d}`, elapsed.Milliseconds()), answer.Body.String())
			require.Equal(t, expected.delay, elapsed)
			require.Equal(t, int64(i+1), s.Requests())
		}
	})
}

func TestRequestsAtTheSameTimeShareOnePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const requests = 50
		s := New(Settings{Min: 100 * time.Millisecond, Max: 600 * time.Millisecond, Seed: 7})
		took := make([]time.Duration, requests)
		var clients sync.WaitGroup
		for i := range requests {
			clients.Go(func() { _, took[i] = get(s) })
		}
		clients.Wait()
		planned := make([]time.Duration, requests)
		for i, p := range plans(New(s.settings), requests) {
			planned[i] = p.delay
		}
		assert.ElementsMatch(t, planned, took)
		assert.EqualValues(t, requests, s.Requests())
	})
}

func TestAFailureTakesItsTimeToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 250 * time.Millisecond
		for _, s := range []Settings{{Fail: 1}, {Garbage: 1}, {Reset: 1}} {
			s.Min, s.Max = delay, delay
			start := time.Now()
			if s.Reset == 1 {
				assert.PanicsWithValue(t, http.ErrAbortHandler, func() { get(New(s)) }, "a recorder has no connection to reset")
			} else {
				get(New(s))
			}
			assert.Equal(t, delay, time.Since(start))
		}
	})
}

func TestNoKindOutlivesTheContextOfItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []Settings{{}, {Fail: 1}, {Garbage: 1}, {Reset: 1}, {Hang: 1}} {
			s.Min, s.Max = time.Hour, time.Hour
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			recorder, start := httptest.NewRecorder(), time.Now()
			request := httptest.NewRequestWithContext(ctx, http.MethodGet, Path, nil)
			assert.PanicsWithValue(t, http.ErrAbortHandler, func() { New(s).ServeHTTP(recorder, request) })
			assert.Equal(t, 50*time.Millisecond, time.Since(start))
			assert.Empty(t, recorder.Body.String())
			cancel()
		}
	})
}

// serve starts s on a socket. handled gets one value at the arrival of each request and one at its end.
func serve(t *testing.T, s Settings) (server *httptest.Server, handled <-chan string) {
	t.Helper()
	events, handler := make(chan string, 10), New(s)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		events <- "arrived"
		defer func() { events <- "ended" }()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server, events
}

func TestAFailureOverASocketIsA500WithJSON(t *testing.T) {
	server, _ := serve(t, Settings{Fail: 1})
	status, body := fetch(t, server.URL+Path)
	assert.Equal(t, http.StatusInternalServerError, status)
	assert.JSONEq(t, `{"error": "the work failed"}`, body)
}

func TestGarbageOverASocketIsA200WithoutJSON(t *testing.T) {
	server, _ := serve(t, Settings{Garbage: 1})
	status, body := fetch(t, server.URL+Path)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "<html>This is not JSON.</html>", body)
}

func TestAResetOverASocketIsAConnectionReset(t *testing.T) {
	server, _ := serve(t, Settings{Reset: 1, Min: time.Millisecond, Max: time.Millisecond})
	_, err := server.Client().Get(server.URL + Path)
	assert.ErrorIs(t, err, syscall.ECONNRESET)
}

func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestAHangEndsWhenTheClientGoesAwayOrTheServerIsClosed(t *testing.T) {
	for name, body := range map[string]string{"without a body": "", "with a body": "nobody asked for this"} {
		for _, end := range []string{"client", "server"} {
			t.Run(end+" "+name, func(t *testing.T) {
				server, handled := serve(t, Settings{Hang: 1})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+Path, strings.NewReader(body))
				require.NoError(t, err)
				failed := make(chan error, 1)
				go func() {
					_, err := server.Client().Do(request)
					failed <- err
				}()
				require.Equal(t, "arrived", <-handled)
				if end == "client" {
					cancel()
				} else {
					require.NoError(t, server.Config.Close())
				}
				require.Error(t, <-failed)
				assert.Equal(t, "ended", <-handled)
			})
		}
	}
}

func TestOtherMethodsPathsAndLivez(t *testing.T) {
	s := New(Settings{Seed: 7})
	for _, test := range []struct {
		method, path string
		status       int
		allow        []string
	}{
		{http.MethodPost, Path, http.StatusMethodNotAllowed, []string{"GET", "HEAD"}},
		{http.MethodDelete, Path, http.StatusMethodNotAllowed, []string{"GET", "HEAD"}},
		{http.MethodGet, "/", http.StatusNotFound, nil},
		{http.MethodGet, Path + "/", http.StatusNotFound, nil},
		{http.MethodGet, "/livez", http.StatusOK, nil},
	} {
		recorder := httptest.NewRecorder()
		s.ServeHTTP(recorder, httptest.NewRequest(test.method, test.path, nil))
		assert.Equal(t, test.status, recorder.Code, test.path)
		allowed := strings.FieldsFunc(recorder.Header().Get("Allow"), func(r rune) bool { return r == ',' || r == ' ' })
		assert.True(t, slices.Equal(test.allow, allowed), allowed)
		if test.path == "/livez" {
			assert.Equal(t, "ok", recorder.Body.String())
		}
	}
	assert.Zero(t, s.Requests())
}
