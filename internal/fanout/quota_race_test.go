package fanout_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/fanout"
)

// firstOnly is a quota that has a request for each call's first attempt, which it notes in the call's context, and none to spare.
type firstOnly struct{}

type granted struct{}

func (firstOnly) Wait(ctx context.Context, _ int, _ time.Time) (int, time.Duration) {
	ctx.Value(granted{}).(*atomic.Bool).Store(true)
	return 1, 0
}

func (firstOnly) Spare(int) int { return 0 }

func TestNothingIsSentBeyondTheQuotaWhileTheCapIsReachedAndLeft(t *testing.T) {
	s := fanout.New[int](fanout.Settings{MaxInFlight: 2, Quota: firstOnly{}})
	var sent, beyond atomic.Int64
	source := func(ctx context.Context, a fanout.Attempt) (int, error) {
		sent.Add(1)
		if a.Number > 0 || !ctx.Value(granted{}).(*atomic.Bool).Load() {
			beyond.Add(1)
		}
		return 0, errScripted
	}
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range 500 {
				ctx := context.WithValue(context.Background(), granted{}, new(atomic.Bool))
				_, _ = s.Do(ctx, fanout.Plan[int]{Source: source, Strategy: fanout.Smart[int], Arrival: time.Now(), Timeout: time.Hour, Producers: 2, HedgeDelay: time.Hour})
			}
		})
	}
	all.Wait()
	assert.Positive(t, sent.Load())
	assert.Zero(t, beyond.Load())
}
