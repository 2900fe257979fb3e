// Package engine compares the fan-out engine with the hedges of other libraries, without a network.
//
//	cd test/e2e && GOGC=200 go test -run '^$' -bench . ./engine
//
// 200 is the service's own default; with Go's 100 every library is slower.
package engine

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cristalhq/hedgedhttp"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"

	"hedgerow/internal/fanout"
)

const producers = 3

// barrier lets the attempts of a call succeed when all of them have been fired, so that every library does the same work.
type barrier struct {
	fired atomic.Int32
	open  chan struct{}
}

type barrierKey struct{}

func withBarrier(ctx context.Context) context.Context {
	return context.WithValue(ctx, barrierKey{}, &barrier{open: make(chan struct{})})
}

// attempt is the source of every library.
func attempt(ctx context.Context) (int, error) {
	b, _ := ctx.Value(barrierKey{}).(*barrier)
	if b.fired.Add(1) == producers {
		close(b.open)
		return 1, nil
	}
	select {
	case <-b.open:
		return 1, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func plan(strategy fanout.Strategy[int]) fanout.Plan[int] {
	source := func(ctx context.Context, _ fanout.Attempt) (int, error) { return attempt(ctx) }
	return fanout.Plan[int]{Source: source, Strategy: strategy, Arrival: time.Now(), Timeout: time.Second, Producers: producers}
}

func BenchmarkHedgerowFirst(b *testing.B) {
	service := fanout.New[int](fanout.Settings{LoserGrace: 250 * time.Millisecond, MaxInFlight: 1 << 20})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := service.Do(withBarrier(b.Context()), plan(fanout.First[int])); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHedgerowAll(b *testing.B) {
	service := fanout.New[int](fanout.Settings{LoserGrace: 250 * time.Millisecond, MaxInFlight: 1 << 20})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := service.Do(withBarrier(b.Context()), plan(fanout.All[int])); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFailsafeHedge(b *testing.B) {
	policy := hedgepolicy.NewBuilderWithDelay[int](0).WithMaxHedges(producers - 1).Build()
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(withBarrier(b.Context()), time.Second)
		_, err := failsafe.With[int](policy).WithContext(ctx).GetWithExecution(func(exec failsafe.Execution[int]) (int, error) {
			return attempt(exec.Context())
		})
		cancel()
		if err != nil {
			b.Fatal(err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func BenchmarkHedgedHTTP(b *testing.B) {
	response := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}
	source := roundTripper(func(r *http.Request) (*http.Response, error) {
		_, err := attempt(r.Context())
		return response, err
	})
	hedged, err := hedgedhttp.NewRoundTripper(1, producers, source)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(withBarrier(b.Context()), time.Second)
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://upstream/", nil)
		response, err := hedged.RoundTrip(request)
		if err != nil {
			b.Fatal(err)
		}
		_ = response.Body.Close()
		cancel()
	}
}
