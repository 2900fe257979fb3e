package replicas

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// troubles are what may become of Redis.
var troubles = map[string]func(*memory){
	"gone":             func(m *memory) { m.gone = true },
	"stalled":          func(m *memory) { m.delay = time.Hour },
	"slow":             func(m *memory) { m.delay = 2 * time.Second },
	"gone and emptied": func(m *memory) { m.gone, m.whole, m.lives = true, map[string]time.Time{}, map[string]time.Time{} },
	"a little slow":    func(m *memory) { m.delay = 100 * ms },
}

// What the log is told.
const (
	lost = "Redis cannot be used: this replica keeps to its share of each quota, and nothing of it is spared for hedges"
	back = "Redis answers: quotas are shared"
)

func well(m *memory) { m.gone, m.delay = false, ms/4 }

func TestInTroubleReplicasKeepToTheQuotaByTheirSharesAndShareItAgainAfterwards(t *testing.T) {
	for name, trouble := range troubles {
		for calls, each := range map[int]int{50: 1, 90: 1, 200: 1, 100: 3} {
			t.Run(name, func(t *testing.T) {
				in(t, 3, "100/s", func(t *testing.T, m *memory, all []replica) {
					time.AfterFunc(10*time.Second, func() { m.set(trouble) })
					time.AfterFunc(20*time.Second, func() { m.set(well) })
					l := offer(t, all, calls, each, 30*time.Second)
					want := min(100, calls)
					for _, second := range []int{3, 8, 9, 10, 11, 12, 15, 18, 19, 20, 21, 22} {
						from := time.Duration(second) * time.Second
						assert.LessOrEqual(t, l.between(from, from+5*time.Second), 550, "in the five seconds from %v", from)
						assert.GreaterOrEqual(t, l.between(from, from+5*time.Second), want*9/2, "in the five seconds from %v", from)
					}
					if calls < 100 {
						assert.Zero(t, l.refused)
						assert.LessOrEqual(t, l.longest, 30*ms)
					}
				})
			})
		}
	}
}

func TestALostRedisIsToldOnceAndSoIsItsReturn(t *testing.T) {
	in(t, 1, "100/s", func(t *testing.T, m *memory, all []replica) {
		r := all[0]
		assert.True(t, r.Up())
		assert.Len(t, r.log.Lines("msg", back), 1)
		for i := range 2 {
			m.set(troubles["gone"])
			offer(t, all, 100, 3, 5*time.Second)
			assert.False(t, r.Up())
			require.Len(t, r.log.Lines("msg", lost), i+1)
			m.set(well)
			offer(t, all, 100, 3, 5*time.Second)
			assert.True(t, r.Up())
			require.Len(t, r.log.Lines("msg", back), i+2)
		}
		assert.Equal(t, errGone.Error(), r.log.Lines("msg", lost)[0]["error"])
	})
}

func TestARedisThatAnswersAndWritesNothingIsLostUntilItWrites(t *testing.T) {
	in(t, 1, "100/s", func(t *testing.T, m *memory, all []replica) {
		m.set(func(m *memory) { m.full = true })
		l := offer(t, all, 90, 1, 5*time.Second)
		assert.Zero(t, l.refused)
		assert.False(t, all[0].Up())
		assert.Len(t, all[0].log.Lines("level", "WARN"), 1)
		m.set(func(m *memory) { m.full = false })
		time.Sleep(beatEvery)
		assert.True(t, all[0].Up())
	})
}

func TestARedisThatTakesSignsOfLifeAndRefusesAllElseIsToldOnce(t *testing.T) {
	in(t, 1, "100/s", func(t *testing.T, m *memory, all []replica) {
		m.set(func(m *memory) { m.locked = errors.New("MOVED 1234 another:6379") })
		l := offer(t, all, 90, 1, 10*time.Second)
		assert.Zero(t, l.refused)
		assert.Len(t, all[0].log.Lines("level", "WARN"), 1)
		assert.Len(t, all[0].log.Lines("msg", back), 1, "at the start")
		m.set(func(m *memory) { m.locked = nil })
		time.Sleep(3 * beatEvery)
		assert.Len(t, all[0].log.Lines("msg", back), 2)
	})
}

func TestNothingIsSparedForHedgesWhileRedisDoesNotAnswer(t *testing.T) {
	in(t, 3, "100/s", func(t *testing.T, m *memory, all []replica) {
		assert.Equal(t, 2, all[0].Spare(2))
		m.set(troubles["gone"])
		time.Sleep(2 * beatEvery)
		assert.Zero(t, all[0].Spare(2))
		granted, _ := all[0].Wait(t.Context(), 3, time.Now())
		assert.Equal(t, 1, granted, "only the first attempt")
		m.set(well)
		time.Sleep(2 * beatEvery)
		assert.Equal(t, 2, all[0].Spare(2))
	})
}

func TestAReplicaThatHasNeverReachedRedisTakesItselfForTheOnlyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.gone = true
		all := start(t, m, 1, "100/s")
		l := offer(t, all, 150, 1, 10*time.Second)
		assert.InDelta(t, 1100, len(l.sent), 60)
		assert.Equal(t, 1, all[0].Replicas())
		end(all)
	})
}

func TestAReplicaThatEndsLeavesItsShareToTheOthers(t *testing.T) {
	in(t, 3, "100/s", func(t *testing.T, m *memory, all []replica) {
		time.Sleep(lifetime)
		end(all[2:])
		time.Sleep(2 * beatEvery)
		assert.Equal(t, 2, all[0].Replicas())
		all[1].Link.stop()
		all[1].running.Wait() // and says nothing
		time.Sleep(lifetime + 2*beatEvery)
		assert.Equal(t, 1, all[0].Replicas())
		m.set(troubles["gone"])
		l := offer(t, all[:1], 150, 1, 10*time.Second)
		assert.InDelta(t, 1100, len(l.sent), 60)
	})
}
