package quota_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/quota"
)

const ms = time.Millisecond

func bucket(t *testing.T, text string) *quota.Bucket {
	t.Helper()
	r, err := quota.ParseRate(text)
	require.NoError(t, err)
	return quota.NewBucket(r)
}

// now asks for a first attempt, and others beside it, that are not to wait.
func now(t *testing.T, b *quota.Bucket, n int) (granted int, retryAfter time.Duration) {
	t.Helper()
	began := time.Now()
	granted, retryAfter = b.Wait(t.Context(), n, began)
	require.Zero(t, time.Since(began))
	return granted, retryAfter
}

// drain takes first attempts until none is left, and returns how many.
func drain(t *testing.T, b *quota.Bucket) (taken int) {
	t.Helper()
	for {
		if granted, _ := now(t, b, 1); granted == 0 {
			return taken
		}
		taken++
	}
}

func TestOneSecondsWorthMayComeAtOnceAndTheRestAsTimeGoesBy(t *testing.T) {
	for text, want := range map[string]struct {
		burst int
		every time.Duration
	}{
		"100/s": {100, 10 * ms}, "1/s": {1, time.Second}, "600/m": {10, 100 * ms}, "90/m": {1, 40 * time.Second / 60}, "30/h": {1, 2 * time.Minute},
	} {
		t.Run(text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bucket(t, text)
				assert.Equal(t, want.burst, drain(t, b))
				_, retryAfter := now(t, b, 1)
				assert.InDelta(t, want.every, retryAfter, 2)
				time.Sleep(3 * want.every / 2)
				assert.Equal(t, 1, drain(t, b))
				time.Sleep(time.Hour)
				assert.Equal(t, want.burst, drain(t, b), "and no more after a long time")
			})
		})
	}
}

func TestAFirstAttemptWaitsForItsTurnAndOnesThatComeTooLateTakeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t, "10/s")
		drain(t, b)
		began := time.Now()
		var waiting sync.WaitGroup
		for i := range 4 {
			waiting.Go(func() {
				granted, _ := b.Wait(t.Context(), 1, began.Add(time.Second))
				assert.Equal(t, 1, granted)
				assert.Equal(t, time.Duration(i+1)*100*ms, time.Since(began))
			})
			synctest.Wait()
		}
		for range 3 {
			granted, retryAfter := b.Wait(t.Context(), 1, began.Add(500*ms))
			assert.Zero(t, granted, "a turn at the very end is too late")
			assert.Equal(t, 500*ms, retryAfter)
		}
		granted, _ := b.Wait(t.Context(), 1, began.Add(500*ms+1))
		assert.Equal(t, 1, granted)
		assert.Equal(t, 500*ms, time.Since(began))
		waiting.Wait()
		load := b.Load()
		assert.Equal(t, 5, load.Waits)
		assert.Equal(t, 1500*ms, load.Waited)
	})
}

func TestOthersGiveWayWhenLessThanATenthIsLeft(t *testing.T) {
	for text, want := range map[string]int{"100/s": 91, "5/s": 5, "20/s": 19, "25/s": 23, "30/h": 1} {
		t.Run(text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bucket(t, text)
				assert.Equal(t, want, b.Spare(1000))
				assert.Zero(t, b.Spare(1))
				left := int(b.Load().Left)
				assert.Equal(t, left, drain(t, b), "what is left is for first attempts")
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t, "100/s")
		assert.Equal(t, 50, b.Spare(50))
		granted, _ := now(t, b, 3)
		assert.Equal(t, 3, granted)
		assert.Equal(t, 37, b.Spare(37))
		granted, _ = now(t, b, 3)
		assert.Equal(t, 1, granted, "9 are left")
		assert.Zero(t, b.Spare(1))
		time.Sleep(9 * ms)
		assert.Zero(t, b.Spare(1), "9.9 are not a tenth")
		time.Sleep(ms)
		assert.Zero(t, b.Spare(0))
		assert.Equal(t, 1, b.Spare(3), "10 are, and then 9")
	})
}

func TestTheTurnOfACallerThatLeavesIsFreeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t, "1/s")
		drain(t, b)
		ctx, leave := context.WithTimeout(t.Context(), 300*ms)
		defer leave()
		began := time.Now()
		granted, _ := b.Wait(ctx, 1, began.Add(time.Minute))
		assert.Zero(t, granted)
		assert.Equal(t, 300*ms, time.Since(began))
		granted, _ = b.Wait(t.Context(), 1, began.Add(time.Minute))
		assert.Equal(t, 1, granted)
		assert.Equal(t, time.Second, time.Since(began), "and not two")
	})
}

func TestWhatIsSentWithoutBeingAskedForCountsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t, "10/s")
		b.Spend()
		assert.Equal(t, 9, drain(t, b))
		b.Spend()
		b.Spend()
		assert.Zero(t, b.Load().Left)
		_, retryAfter := now(t, b, 1)
		assert.Equal(t, 300*ms, retryAfter, "those who come next wait for it")
	})
}

func TestARateThatChangesKeepsWhatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t, "10/s")
		drain(t, b)
		began := time.Now()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, _ = b.Wait(t.Context(), 1, began.Add(time.Second))
			assert.Equal(t, 100*ms, time.Since(began), "the turn of one who waits stays")
		})
		synctest.Wait()
		b.SetRate(quota.Rate{Requests: 100, Per: time.Second})
		assert.InDelta(t, 100, b.Load().PerSecond, 0)
		assert.Zero(t, b.Load().Left)
		waiting.Wait()
		time.Sleep(time.Second)
		assert.InDelta(t, 100, b.Load().Left, 0)
		b.SetRate(quota.Rate{Requests: 2, Per: time.Second})
		assert.Equal(t, 2, drain(t, b), "one second's worth of the new rate")
	})
}

func TestNoTimeHasMoreRequestsThanTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t, "100/s")
		var mu sync.Mutex
		var sent []time.Time
		var callers sync.WaitGroup
		began := time.Now()
		for i := range 50 {
			callers.Go(func() {
				for time.Since(began) < 10*time.Second {
					granted, _ := b.Wait(t.Context(), 3, time.Now().Add(time.Duration(i)*10*ms))
					mu.Lock()
					for range granted {
						sent = append(sent, time.Now())
					}
					mu.Unlock()
					time.Sleep(time.Duration(i+1) * ms)
				}
			})
		}
		callers.Wait()
		for from := range sent {
			for to := from; to < len(sent); to += 50 {
				allowed := 100 + sent[to].Sub(sent[from]).Seconds()*100
				require.LessOrEqual(t, float64(to-from+1), allowed+1e-3, "from %v to %v", sent[from].Sub(began), sent[to].Sub(began))
			}
		}
		assert.InDelta(t, 1100, len(sent), 60, "and what there is gets used")
	})
}
