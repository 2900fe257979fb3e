package replicas

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

// drain takes what may be sent at once.
func drain(t *testing.T, r replica) (taken int) {
	t.Helper()
	for {
		granted, _ := r.Wait(t.Context(), 1, time.Now().Add(4*ms))
		if granted == 0 {
			return taken
		}
		taken++
	}
}

func TestACallOfManyAttemptsGetsThemAllWhileThereIsPlenty(t *testing.T) {
	in(t, 3, "100/s", func(t *testing.T, _ *memory, all []replica) {
		var calls sync.WaitGroup
		began := time.Now()
		for range 9 {
			calls.Go(func() {
				granted, _ := all[0].Wait(t.Context(), 9, began.Add(time.Second))
				assert.Equal(t, 9, granted, "more than the lease")
				assert.LessOrEqual(t, time.Since(began), 2*ms)
			})
		}
		calls.Wait()
		granted := 9
		for calls := 9; granted == 9; calls++ {
			require.Less(t, calls, 11, "a tenth is for first attempts")
			granted, _ = all[0].Wait(t.Context(), 9, began.Add(time.Second))
		}
		assert.Positive(t, granted)
	})
}

func TestAnAttemptThatFailsBeforeRedisAnswersIsFollowedByAnotherWhileThereIsPlenty(t *testing.T) {
	in(t, 3, "9/s", func(t *testing.T, _ *memory, all []replica) {
		for range 10 {
			time.Sleep(3*time.Second + 100*ms)
			granted, _ := all[0].Wait(t.Context(), 1, time.Now())
			assert.Equal(t, 1, granted)
			assert.Equal(t, 1, all[0].Spare(1), "the first one has taken all that was held")
		}
	})
}

func TestAnIdleReplicaKnowsWhatTheOthersLeave(t *testing.T) {
	in(t, 2, "10/s", func(t *testing.T, _ *memory, all []replica) {
		time.Sleep(5 * time.Second)
		offer(t, all[1:], 20, 1, 5*time.Second)
		assert.InDelta(t, 0, all[0].Load().Left, 2)
	})
}

func TestACallWhoseTurnComesTooLateIsToldWhenItComes(t *testing.T) {
	in(t, 1, "10/s", func(t *testing.T, m *memory, all []replica) {
		drain(t, all[0])
		began := time.Now()
		granted, retryAfter := all[0].Wait(t.Context(), 3, began.Add(50*ms))
		assert.Zero(t, granted)
		assert.InDelta(t, 100*ms, retryAfter, float64(10*ms))
		assert.LessOrEqual(t, time.Since(began), ms)
		commands := m.asked()
		for range 100 {
			granted, _ = all[0].Wait(t.Context(), 3, began.Add(50*ms))
			assert.Zero(t, granted)
		}
		assert.Equal(t, commands, m.asked(), "Redis need not be asked for what is known")
	})
}

func TestACallWaitsForItsTurnAndNotForRedis(t *testing.T) {
	in(t, 3, "100/s", func(t *testing.T, m *memory, all []replica) {
		m.set(troubles["stalled"])
		began := time.Now()
		var calls sync.WaitGroup
		for range 10 { // more than the lease, fewer than the local share
			calls.Go(func() {
				granted, _ := all[0].Wait(t.Context(), 1, began.Add(time.Second))
				assert.Equal(t, 1, granted)
				assert.LessOrEqual(t, time.Since(began), patience)
			})
		}
		calls.Wait()
		time.Sleep(time.Second)
		began = time.Now()
		for range 10 {
			granted, _ := all[0].Wait(t.Context(), 1, began.Add(time.Second))
			assert.Equal(t, 1, granted)
			assert.Zero(t, time.Since(began), "by then it is known that Redis does not answer")
		}
		m.set(well)
	})
}

func TestTheTurnOfACallerThatLeavesIsUsedByAnother(t *testing.T) {
	for name, stays := range map[string]time.Duration{"while Redis is asked": ms / 10, "while it waits": 50 * ms} {
		t.Run(name, func(t *testing.T) {
			in(t, 1, "10/s", func(t *testing.T, _ *memory, all []replica) {
				drain(t, all[0])
				ctx, leave := context.WithTimeout(t.Context(), stays)
				defer leave()
				began := time.Now()
				var calls sync.WaitGroup
				for range 5 {
					calls.Go(func() {
						granted, _ := all[0].Wait(ctx, 1, began.Add(time.Minute))
						assert.Zero(t, granted)
						assert.Equal(t, stays, time.Since(began))
					})
				}
				calls.Wait()
				time.Sleep(1100 * ms)
				assert.GreaterOrEqual(t, drain(t, all[0]), 9, "nothing is lost")
			})
		})
	}
}

func TestWhatIsSentWithoutBeingAskedForCountsToo(t *testing.T) {
	for name, trouble := range map[string]func(*memory){"with Redis": well, "without": troubles["gone"]} {
		t.Run(name, func(t *testing.T) {
			in(t, 1, "10/s", func(t *testing.T, m *memory, all []replica) {
				m.set(trouble)
				time.Sleep(2 * beatEvery)
				drain(t, all[0])
				for range 5 {
					all[0].Spend()
				}
				time.Sleep(time.Second)
				assert.InDelta(t, 5, drain(t, all[0]), 1)
			})
		})
	}
}

func TestARateThatChangesKeepsWhatWasTaken(t *testing.T) {
	for name, trouble := range map[string]func(*memory){"with Redis": well, "without": troubles["gone"]} {
		t.Run(name, func(t *testing.T) {
			in(t, 1, "100/s", func(t *testing.T, m *memory, all []replica) {
				m.set(trouble)
				time.Sleep(2 * beatEvery)
				drain(t, all[0])
				all[0].SetRate(quota.Rate{Requests: 20, Per: time.Second})
				assert.InDelta(t, 20, all[0].Load().PerSecond, 0)
				assert.LessOrEqual(t, drain(t, all[0]), 1)
				time.Sleep(10 * time.Second)
				assert.InDelta(t, 20, drain(t, all[0]), 2)
			})
		})
	}
}

func TestTheLoadTellsWhatIsLeftAndWhoHasWaited(t *testing.T) {
	in(t, 2, "10/s", func(t *testing.T, m *memory, all []replica) {
		assert.InDelta(t, 10, all[0].Load().Left, 1)
		drain(t, all[0])
		assert.InDelta(t, 0, all[0].Load().Left, 1)
		waits := all[0].Load().Waits
		granted, _ := all[0].Wait(t.Context(), 1, time.Now().Add(time.Second))
		assert.Equal(t, 1, granted)
		assert.Equal(t, waits+1, all[0].Load().Waits)
		assert.InDelta(t, 100*ms, all[0].Load().Waited, float64(20*ms))
		assert.Zero(t, all[1].Load().Waits, "each replica tells of its own calls")
		m.set(troubles["gone"])
		time.Sleep(10 * time.Second)
		drain(t, all[0])
		granted, _ = all[0].Wait(t.Context(), 1, time.Now().Add(time.Second))
		assert.Equal(t, 1, granted)
		assert.InDelta(t, 300*ms, all[0].Load().Waited, float64(40*ms), "200 ms in its share of 5/s")
		assert.Equal(t, waits+2, all[0].Load().Waits)
		m.set(well)
		time.Sleep(2 * beatEvery)
		assert.Equal(t, waits+2, all[0].Load().Waits)
	})
}

func TestAQuotaTooSmallForALeaseIsKeptToo(t *testing.T) {
	in(t, 3, "2/s", func(t *testing.T, _ *memory, all []replica) {
		l := offer(t, all, 9, 1, 30*time.Second)
		assert.InDelta(t, 62, len(l.sent), 2)
	})
}

func TestAQuotaThatIsClosedEndsItsCallsByTheLocalShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := start(t, newMemory(), 1, "100/s")
		all[0].Quota.Close()
		for range 50 {
			granted, _ := all[0].Wait(t.Context(), 1, time.Now().Add(time.Second))
			assert.Equal(t, 1, granted)
		}
		all[0].Link.Close()
	})
}
