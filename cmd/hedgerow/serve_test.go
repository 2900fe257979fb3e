package main

import (
	"context"
	"log/slog"
	stdhttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/hedge"
	"hedgerow/internal/http"
	"hedgerow/internal/metrics"
	"hedgerow/test/logtest"
)

func TestAPanicOfAProducerIsAFailedAttemptItsStackIsLoggedOnceAndTheCallIsAnswered(t *testing.T) {
	log := &logtest.Log{}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	measures := metrics.New(metrics.Settings{Endpoints: http.Endpoints()})
	failed := make(chan struct{})
	observe := observer(measures, logger)
	source := func(_ context.Context, a fanout.Attempt) (int64, error) {
		if a.Number == 1 {
			panic("a broken producer")
		}
		<-failed // so that the panic comes first
		return int64(a.Number), nil
	}
	service := fanout.New[int64](fanout.Settings{MaxInFlight: 3, Observe: func(ctx context.Context, a fanout.Attempt) {
		observe(ctx, a)
		if a.Outcome == fanout.Failed {
			close(failed)
		}
	}})
	router, err := http.NewRouter(http.Settings{
		Service: service, Source: source, Producers: 3, MaxTimeout: time.Minute, Ready: func() bool { return true }, Logger: logger,
		Hedge: hedge.New(hedge.Settings{}), ObserveCall: func(http.ObservedCall) {},
	})
	require.NoError(t, err)
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, httptest.NewRequest(stdhttp.MethodGet, "/api/all?timeout=10000", nil))
	service.Wait()

	assert.Equal(t, stdhttp.StatusOK, answer.Code)
	assert.Contains(t, []string{`[{"time":0},{"time":2}]`, `[{"time":2},{"time":0}]`}, answer.Body.String())
	line := log.Wait(t, "msg", "panic in an attempt")
	assert.Equal(t, "a broken producer", line["panic"])
	assert.Contains(t, line["stack"], "serve_test.go")
	assert.Equal(t, 1, strings.Count(log.String(), "panic in an attempt"))
	scrape := httptest.NewRecorder()
	measures.Handler().ServeHTTP(scrape, httptest.NewRequest(stdhttp.MethodGet, "/metrics", nil))
	assert.Contains(t, scrape.Body.String(), "hedgerow_attempt_failures_total{reason=\"internal error\"} 1\n")
}
