// Package trouble runs services that can give the answers a healthy one does not.
package trouble

import (
	"context"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/metricstest"
)

// Failing runs a service whose upstream API fails at every attempt, until the test ends.
func Failing(t testing.TB) *harness.Hedgerow {
	t.Helper()
	return harness.Start(t, "HEDGEROW_TESTSERVER_FAIL=1", "HEDGEROW_TESTSERVER_MIN=1ms", "HEDGEROW_TESTSERVER_MAX=5ms")
}

// Hanging runs a service whose upstream API never answers, until the test ends.
func Hanging(t testing.TB, environment ...string) *harness.Hedgerow {
	t.Helper()
	return harness.Start(t, append(environment, "HEDGEROW_TESTSERVER_HANG=1", "HEDGEROW_TESTSERVER_FAIL=0")...)
}

// Overloaded runs a service that has as many attempts in flight as it may have, until the test ends or 60 seconds are over.
func Overloaded(t testing.TB) *harness.Hedgerow {
	t.Helper()
	h := Hanging(t, "HEDGEROW_MAX_IN_FLIGHT=3")
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL()+"/api/all?timeout=60000", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the test
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	waitFor(t, "three attempts to be in flight", func() bool {
		return metricstest.Get(t, h.AdminAddr).Sum("hedgerow_attempts_in_flight") == 3
	})
	return h
}

// Stopping runs a service that has been told to stop and still answers, until the test ends.
func Stopping(t testing.TB) *harness.Hedgerow {
	t.Helper()
	h := harness.Start(t, "HEDGEROW_SHUTDOWN_DELAY=10m") // longer than any test
	if err := h.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the service not to be ready", func() bool {
		status, _ := get(t, h.URL()+"/readyz")
		return status == http.StatusServiceUnavailable
	})
	return h
}

func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// waitFor fails the test when it has not happened within 10 seconds.
func waitFor(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}
