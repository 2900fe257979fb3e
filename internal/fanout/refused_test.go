package fanout_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestBeyondTheCapACallIsRefusedAndSendsNothing(t *testing.T) {
	for name, strategy := range map[string]fanout.Strategy[int]{
		"first": fanout.First[int], "all": fanout.All[int], "within-timeout": fanout.WithinTimeout[int],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(succeeds(100*ms, 1), succeeds(100*ms, 2), succeeds(100*ms, 3))
				settings := s.settings()
				settings.MaxInFlight = 5
				service := fanout.New[int](settings)
				go func() {
					_, err := service.Do(t.Context(), s.plan(time.Second, fanout.All))
					assert.NoError(t, err)
				}()
				synctest.Wait()
				assert.Equal(t, 1, service.CallsInFlight())
				answer, err := service.Do(t.Context(), s.plan(time.Second, strategy))
				require.ErrorIs(t, err, fanout.ErrRefused)
				assert.Zero(t, time.Since(s.began))
				require.Len(t, answer.Attempts, 3)
				for _, a := range answer.Attempts {
					assert.Equal(t, fanout.Refused, a.Outcome)
					assert.Equal(t, fanout.Reason{Kind: fanout.KindCap}, a.Reason())
				}
				assert.Equal(t, outcomes(fanout.Refused, fanout.Refused, fanout.Refused), s.outcomes(t), "the observer was told of each")
				assert.Len(t, s.sent, 3, "only the first call's attempts were sent")
				assert.Equal(t, 3, service.InFlight(), "a refused call holds no place under the cap")

				time.Sleep(100 * ms)
				synctest.Wait()
				_, err = service.Do(t.Context(), s.plan(time.Second, strategy))
				assert.NoError(t, err, "there is room again when the first call has ended")
			})
		})
	}
}

func TestBeyondTheCapSmartGoesOnWithoutItsHedges(t *testing.T) {
	for _, test := range []struct {
		name    string
		first   step
		err     error
		answers time.Duration
	}{
		{"the first attempt succeeds late", succeeds(500*ms, 1), nil, 500 * ms},
		{"the first attempt fails", fails(50 * ms), fanout.ErrFailed, 50 * ms},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(test.first)
				settings := s.settings()
				settings.MaxInFlight = 1
				service := fanout.New[int](settings)
				answer, err := service.Do(t.Context(), s.plan(time.Second, fanout.Smart))
				assert.Equal(t, test.err, err)
				assert.Equal(t, test.answers, time.Since(s.began))
				require.Len(t, answer.Attempts, 3)
				for _, hedge := range answer.Attempts[1:] {
					assert.Equal(t, fanout.Refused, hedge.Outcome)
					assert.Equal(t, fanout.Reason{Kind: fanout.KindCap}, hedge.Reason())
				}
				assert.Len(t, s.sent, 1)
			})
		})
	}
}

func TestACallThatHasWaitedForTooLongIsRefused(t *testing.T) {
	for _, c := range []struct {
		waited, timeout time.Duration
		refused         bool
	}{
		{250 * ms, time.Second, false},
		{250*ms + 1, time.Second, true},
		{100 * ms, 80 * ms, false},
		{100*ms + 1, 80 * ms, true},
		{15 * time.Second, time.Minute, false},
		{time.Hour, time.Minute, true},
	} {
		t.Run(fmt.Sprintf("%v of %v", c.waited, c.timeout), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(succeeds(0, 1), succeeds(0, 2), succeeds(0, 3))
				service := fanout.New[int](s.settings())
				plan := s.plan(c.timeout, fanout.WithinTimeout)
				plan.Arrival = time.Now().Add(-c.waited)
				answer, err := service.Do(t.Context(), plan)
				service.Wait()
				if !c.refused {
					require.NoError(t, err)
					assert.Len(t, s.sent, 3)
					return
				}
				require.ErrorIs(t, err, fanout.ErrRefused)
				assert.Empty(t, s.sent)
				assert.Equal(t, []fanout.Outcome{fanout.Refused, fanout.Refused, fanout.Refused}, s.outcomes(t))
				require.Len(t, answer.Attempts, 3)
				for _, a := range answer.Attempts {
					assert.Equal(t, fanout.Reason{Kind: fanout.KindWait}, a.Reason())
				}
			})
		})
	}
}

func TestRetryAfterIsTheMeanDurationOfTheAttemptsThatHaveEndedLately(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced()
		assert.Zero(t, p.retryAfter(t), "nothing is known yet")
		p.call(t, fanout.Smart, succeeds(80*ms, 1))
		assert.Equal(t, 80*ms, p.retryAfter(t), "the first one is the mean")
		p.call(t, fanout.Smart, succeeds(240*ms, 1))
		assert.Equal(t, 100*ms, p.retryAfter(t), "an eighth of the way from 80 to 240")
		p.call(t, fanout.First, succeeds(20*ms, 1), fails(184*ms), succeeds(hangs, 3))
		// 100 → 90 → 101.75 → the third was cut after 20 ms and its grace.
		assert.Equal(t, 101750*time.Microsecond+(20*ms+grace-101750*time.Microsecond)/8, p.retryAfter(t), "losers and failures count")
	})
}

func TestRetryAfterIsWhatIsLeftOfTheTimeAskedForWhenThatIsLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPaced()
		p.call(t, fanout.Smart, asksToWait(200*ms, time.Second))
		assert.Equal(t, time.Second, p.retryAfter(t))
		time.Sleep(700 * ms)
		assert.Equal(t, 300*ms, p.retryAfter(t))
		time.Sleep(200 * ms)
		assert.Equal(t, 200*ms, p.retryAfter(t), "the mean is longer by now")
	})
}
