package hedge_test

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/hedge"
)

const (
	ms      = time.Millisecond
	timeout = time.Second
	half    = timeout / 2 // how long is waited when the quantile is not known
	turn    = time.Second // the quantile is computed so often
	minute  = time.Minute
	tick    = time.Nanosecond
)

// after is a delay by a quantile with the default bounds.
func after(q hedge.Quantile) *hedge.Delay {
	return hedge.New(hedge.Settings{When: hedge.When{Quantile: q}, Min: time.Microsecond})
}

// record tells a delay of n attempts that have succeeded.
func record(delay *hedge.Delay, n int, took time.Duration) {
	for range n {
		delay.Durations().Record(took, true)
	}
}

// cut tells a delay of n attempts that were cut.
func cut(delay *hedge.Delay, n int) {
	for range n {
		delay.Durations().Record(ms, false)
	}
}

// wait is how long the first attempt of a call is waited for.
func wait(delay *hedge.Delay) time.Duration {
	wait, _ := delay.At(timeout)
	return wait
}

// least is what must be left of the timeout.
func least(delay *hedge.Delay) time.Duration {
	_, least := delay.At(timeout)
	return least
}

// learn lets the time pass until what has been recorded is known.
func learn() {
	time.Sleep(turn)
	synctest.Wait()
}

// assertRead checks that a duration was read, to the precision of the histogram.
func assertRead(t *testing.T, want, got time.Duration, about ...any) {
	t.Helper()
	assert.InEpsilon(t, float64(want), float64(got), 1.0/128, about...)
}

func TestTheDelayIsTheQuantileOfTheDurations(t *testing.T) {
	for q, want := range map[hedge.Quantile]time.Duration{500: 100 * ms, 501: 101 * ms, 900: 180 * ms, 950: 190 * ms, 990: 198 * ms, 999: 200 * ms} {
		synctest.Test(t, func(t *testing.T) {
			delay := after(q)
			for i := range 200 {
				record(delay, 1, time.Duration(200-i)*ms)
			}
			learn()
			assertRead(t, want, wait(delay), q)
		})
	}
}

func TestTheQuantileIsUnknownUntil50AttemptsHaveSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(500)
		assert.Equal(t, half, wait(delay))
		record(delay, 49, 20*ms)
		cut(delay, 10)
		learn()
		assert.Equal(t, half, wait(delay))
		assertRead(t, 20*ms, least(delay), "the fastest success is known with the first one")
		record(delay, 1, 20*ms)
		learn()
		assertRead(t, 20*ms, wait(delay))
	})
}

func TestTheQuantileIsComputedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(950)
		record(delay, 50, 20*ms)
		time.Sleep(turn - tick)
		synctest.Wait()
		assert.Equal(t, half, wait(delay))
		time.Sleep(tick)
		synctest.Wait()
		assertRead(t, 20*ms, wait(delay))
	})
}

func TestAQuantileIsKeptBetweenItsBounds(t *testing.T) {
	for _, test := range []struct {
		name     string
		min, max time.Duration
		timeout  time.Duration
		quantile time.Duration // 0: unknown
		want     time.Duration
		isRead   bool
	}{
		{name: "within", min: 20 * ms, max: 300 * ms, timeout: timeout, quantile: 100 * ms, want: 100 * ms, isRead: true},
		{name: "below", min: 20 * ms, max: 300 * ms, timeout: timeout, quantile: 10 * ms, want: 20 * ms},
		{name: "above", min: 20 * ms, max: 300 * ms, timeout: timeout, quantile: 400 * ms, want: 300 * ms},
		{name: "unknown", min: 20 * ms, max: 300 * ms, timeout: timeout, want: 300 * ms},
		{name: "below the default", timeout: timeout, quantile: ms, want: 10 * ms},
		{name: "above the default", timeout: timeout, quantile: 501 * ms, want: half},
		{name: "the default is half of each call's timeout", timeout: 300 * ms, quantile: 400 * ms, want: 150 * ms},
		{name: "of two defaults the largest wins", timeout: 10 * ms, quantile: ms, want: 5 * ms},
		{name: "a default least gives way", max: 3 * ms, timeout: timeout, quantile: ms, want: 3 * ms},
		{name: "a default most gives way", min: 700 * ms, timeout: timeout, quantile: ms, want: 700 * ms},
		{name: "and when unknown", min: 700 * ms, timeout: timeout, want: 700 * ms},
		{name: "the largest may be beyond the deadline", max: time.Hour, timeout: timeout, want: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			delay := hedge.New(hedge.Settings{When: hedge.When{Quantile: 950}, Min: test.min, Max: test.max})
			if test.quantile > 0 {
				record(delay, 50, test.quantile)
			}
			learn()
			got, _ := delay.At(test.timeout)
			if test.isRead {
				assertRead(t, test.want, got, test.name)
			} else {
				assert.Equal(t, test.want, got, test.name)
			}
		})
	}
}

func TestAttemptsThatWereCutTookLongerThanAny(t *testing.T) {
	for _, test := range []struct {
		quantile   hedge.Quantile
		ended, cut int
		want       time.Duration // 0: unknown
	}{
		{950, 95, 5, 95 * ms}, // at 1-q it is the longest of those that ended
		{950, 94, 6, 0},
		{500, 90, 30, 60 * ms}, // the 60th of 120
		{500, 60, 60, 60 * ms},
		{500, 60, 61, 0},
		{500, 100, 150, 0}, // 60 % of the window
		{999, 999, 1, 999 * ms},
		{999, 998, 2, 0},
		{950, 0, 100, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			delay := hedge.New(hedge.Settings{When: hedge.When{Quantile: test.quantile}, Min: ms, Max: time.Hour})
			for i := range test.ended {
				record(delay, 1, time.Duration(i+1)*ms)
			}
			cut(delay, test.cut)
			learn()
			if test.want == 0 {
				assert.Equal(t, time.Hour, wait(delay), test)
			} else {
				assertRead(t, test.want, wait(delay), test)
			}
		})
	}
}

func TestTheFastestSuccessOfTheWindowIsTheLeastThatAHedgeNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(950)
		assert.Zero(t, least(delay))
		cut(delay, 100)
		learn()
		assert.Zero(t, least(delay), "nothing has succeeded")
		record(delay, 1, 40*ms)
		learn()
		assertRead(t, 40*ms, least(delay))
		record(delay, 1, 30*ms)
		record(delay, 50, 50*ms)
		learn()
		assertRead(t, 30*ms, least(delay))
		assert.LessOrEqual(t, least(delay), 30*ms, "a hedge as fast is still of use")
	})
}

func TestTheDelayFollowsWithinAMinuteWhatBecomesSlowAndFastAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(950)
		second := func(took time.Duration) {
			record(delay, 100, took)
			learn()
		}
		for range 60 {
			second(50 * ms)
		}
		for i := range 60 {
			assert.Equal(t, i <= 3, wait(delay) < 60*ms, "slow for %d seconds of 60, which is over 5 %% of the window at the fourth", i)
			second(200 * ms)
		}
		assertRead(t, 200*ms, wait(delay))
		assertRead(t, 200*ms, least(delay), "a minute ago is forgotten")
		for i := range 60 {
			assert.Equal(t, i >= 57, wait(delay) < 60*ms, "fast again for %d seconds of 60, which is 95 %% of the window at the 57th", i)
			second(50 * ms)
		}
		assertRead(t, 50*ms, wait(delay))
	})
}

func TestAnOutageLeavesTheLongestDelayAndIsForgottenWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(950)
		for range 60 {
			record(delay, 100, 50*ms)
			learn()
		}
		for range 60 {
			cut(delay, 100)
			learn()
		}
		assert.Equal(t, half, wait(delay))
		assert.Zero(t, least(delay))
		for i := range 60 {
			assert.Equal(t, i >= 57, wait(delay) < half)
			record(delay, 100, 50*ms)
			learn()
		}
		assertRead(t, 50*ms, wait(delay))
	})
}

func TestAnOutageOfSilenceIsAnEmptyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(950)
		record(delay, 100, 50*ms)
		learn()
		time.Sleep(minute - turn - tick)
		assertRead(t, 50*ms, wait(delay))
		time.Sleep(turn + tick)
		synctest.Wait()
		assert.Equal(t, half, wait(delay))
		assert.Zero(t, least(delay))
	})
}

func TestOneCallAMinuteIsTooFewForAQuantile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(950)
		for range 100 {
			record(delay, 1, 50*ms)
			learn()
			assert.Equal(t, half, wait(delay))
			assertRead(t, 50*ms, least(delay))
			time.Sleep(minute - turn)
		}
	})
}

func TestBimodalDurationsGiveTheFastOrTheSlowOnes(t *testing.T) {
	for share, want := range map[int]time.Duration{4: 20 * ms, 5: 20 * ms, 6: 400 * ms, 10: 400 * ms} {
		synctest.Test(t, func(t *testing.T) {
			delay := after(950)
			for range 30 {
				record(delay, 100-share, 20*ms)
				record(delay, share, 400*ms)
				learn()
			}
			assertRead(t, want, wait(delay), share)
		})
	}
}

func TestDurationsOutOfRangeAreTakenAtTheBounds(t *testing.T) {
	const day = 24 * time.Hour
	for took, want := range map[time.Duration]time.Duration{
		0: time.Microsecond, -time.Hour: time.Microsecond, math.MinInt64: time.Microsecond, 1: time.Microsecond,
		3 * day: day, math.MaxInt64: day,
	} {
		synctest.Test(t, func(t *testing.T) {
			delay := hedge.New(hedge.Settings{When: hedge.When{Quantile: 500}, Min: 1, Max: math.MaxInt64})
			record(delay, 50, took)
			learn()
			assert.GreaterOrEqual(t, wait(delay), want, took)
			assert.LessOrEqual(t, wait(delay), want+max(want/128, time.Microsecond), took)
		})
	}
}

func TestAWindowThatIsEmptyForAMinuteHasNoTimerAndNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(950)
		assert.True(t, delay.Idle(), "before the first attempt")
		for range 2 {
			cut(delay, 1)
			time.Sleep(minute - turn/2)
			record(delay, 50, 20*ms)
			time.Sleep(minute + turn/2 - tick)
			synctest.Wait()
			assertRead(t, 20*ms, wait(delay), "a minute has not passed")
			time.Sleep(tick)
			synctest.Wait()
			assert.Equal(t, half, wait(delay))
			assert.True(t, delay.Idle())
			time.Sleep(time.Hour)
		}
	})
}

func TestAFixedDelayLearnsNothing(t *testing.T) {
	delay := hedge.New(hedge.Settings{When: hedge.When{Delay: 300 * ms}, Min: time.Second, Max: 2 * time.Second})
	assert.Nil(t, delay.Durations())
	wait, least := delay.At(timeout)
	assert.Equal(t, 300*ms, wait)
	assert.Zero(t, least)
}

func TestNoAttemptIsLostWhen64GoroutinesRecordWhileTheWindowTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known, unknown := after(500), after(500)
		cut(unknown, 1)
		var recording sync.WaitGroup
		for i := range 64 {
			recording.Go(func() {
				for range 50 {
					for _, delay := range []*hedge.Delay{known, unknown} {
						delay.Durations().Record(20*ms, i%2 == 0)
						delay.At(timeout)
					}
					time.Sleep(turn / 10)
				}
			})
		}
		recording.Wait()
		learn()
		assertRead(t, 20*ms, wait(known), "half of them were cut, and no more")
		assert.Equal(t, half, wait(unknown), "half of them were cut, and one more")
	})
}

func TestACallCostsNoMemory(t *testing.T) {
	delay := after(950)
	durations := delay.Durations()
	durations.Record(20*ms, true)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		delay.At(timeout)
		durations.Record(20*ms, true)
		durations.Record(30*ms, true)
		durations.Record(30*ms, false)
	}))
}

// BenchmarkCall is what a call of three attempts costs.
func TestADelayThatHasEndedForgetsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		delay := after(950)
		delay.End()
		record(delay, 50, 20*ms)
		learn()
		assert.True(t, delay.Idle(), "before the first attempt")

		delay = after(950)
		record(delay, 50, 20*ms)
		learn()
		assert.False(t, delay.Idle())
		record(delay, 50, 20*ms)
		delay.End()
		learn()
		assert.True(t, delay.Idle())
		assert.Equal(t, half, wait(delay))
		hedge.New(hedge.Settings{When: hedge.When{Delay: ms}}).End()
	})
}

func BenchmarkCall(b *testing.B) {
	delay := after(950)
	durations := delay.Durations()
	b.ReportAllocs()
	for b.Loop() {
		delay.At(timeout)
		durations.Record(20*ms, true)
		durations.Record(130*ms, true)
		durations.Record(30*ms, false)
	}
}
