package fanout_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// soon is a quota in which each turn takes so long, and which has none to spare.
type soon time.Duration

func (s soon) Wait(context.Context, int, time.Time) (int, time.Duration) {
	time.Sleep(time.Duration(s))
	return 1, 0
}

func (soon) Spare(int) int { return 0 }

func TestACallWhoseTurnComesWhenTheCapHasNoRoomAnyMoreIsRefusedForTheCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(300*ms, 1))
		settings := s.settings()
		settings.Quota, settings.MaxInFlight = soon(200*ms), 3
		p := paced{s, fanout.New[int](settings)}
		var before sync.WaitGroup
		for range 3 {
			before.Go(func() { _, _ = p.Do(t.Context(), p.plan(time.Second, fanout.First)) })
		}
		time.Sleep(10 * ms) // all wait then, and the cap has room for any
		answer, err := p.Do(t.Context(), p.plan(time.Second, fanout.First))
		assert.Equal(t, &fanout.RefusedError{Kind: fanout.KindCap}, err)
		assert.Equal(t, 210*ms, time.Since(p.began))
		assert.Equal(t, []fanout.Kind{fanout.KindCap, fanout.KindQuota, fanout.KindQuota}, kinds(answer.Attempts))
		before.Wait()
		assert.Len(t, p.sent, 3)
		assert.Zero(t, p.InFlight(), "what is refused holds no place")
	})
}
