package gateway_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/gateway"
)

func TestEachAPIHasACapOnAttemptsOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, "defaults: {strategy: first, timeout: 1s}\napis: {a: {url: 'http://h', max_in_flight: 3}, b: {url: 'http://h', max_in_flight: 5}, c: {url: 'http://h'}}")
		half := map[string]time.Duration{"": 500 * ms} // of the timeout, while the quantile is not known
		slow := always(step{after: 400 * ms, status: 200})
		for _, api := range []string{"a", "b", "c"} {
			g.follow(api, slow)
		}
		var calls sync.WaitGroup
		for _, api := range []string{"a", "b"} {
			calls.Go(func() {
				_, err := g.call(t, api, "GET", "/x")
				assert.NoError(t, err)
			})
		}
		synctest.Wait()
		assert.ElementsMatch(t, []gateway.Load{
			{API: "a", Calls: 1, Attempts: 3, MaxAttempts: 3, HedgeDelays: half, HedgeBudget: 10, Last: []bool{false}},
			{API: "b", Calls: 1, Attempts: 3, MaxAttempts: 5, HedgeDelays: half, HedgeBudget: 10, Last: []bool{false}},
			{API: "c", MaxAttempts: 100, HedgeDelays: half, HedgeBudget: 10, Last: []bool{false}}, // the process's cap
		}, g.Loads())
		for _, api := range []string{"a", "b"} {
			result, err := g.call(t, api, "GET", "/x")
			require.ErrorIs(t, err, fanout.ErrRefused, api)
			assert.Equal(t, []string{"cap", "cap", "cap"}, reasons(result))
		}
		assert.Zero(t, time.Since(slow.began), "refused at once")
		assert.Equal(t, 6, slow.requests(), "and nothing sent")
		_, err := g.call(t, "c", "GET", "/x")
		require.NoError(t, err, "the others have room")
		calls.Wait()
		g.Close()
	})
}

func TestACallerThatGoesAwayCutsItsAttemptsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := always(step{after: hangs})
		g := start(t, one("strategy: first"), s)
		ctx, leave := context.WithTimeout(t.Context(), 50*ms)
		defer leave()
		_, err := g.callBy(ctx, t, "a", "GET", "/x", func(*gateway.Call) {})
		require.ErrorIs(t, err, fanout.ErrAbandoned)
		g.Close()
		assert.Equal(t, []time.Duration{50 * ms, 50 * ms, 50 * ms}, s.cut)
	})
}

func TestEveryStrategyEndsAtTheDeadline(t *testing.T) {
	for strategy := range strategies {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(func(made sending) step { return step{after: time.Duration(made.number) * hangs, status: 500} })
			g := start(t, one("timeout: 700ms, hedge: {delay: 100ms}, strategy: "+strategy), s)
			result, err := g.call(t, "a", "GET", "/x")
			assert.Equal(t, 700*ms+tick, time.Since(s.began), strategy)
			assert.Equal(t, []fanout.Outcome{fanout.Failed, fanout.TimedOut, fanout.TimedOut}, outcomes(result), strategy)
			if strategy == "within-timeout" {
				require.NoError(t, err)
				assert.Empty(t, result.Values)
			} else {
				require.ErrorIs(t, err, fanout.ErrTimedOut, "a failed answer is not passed on while an attempt may still succeed")
			}
			g.Close()
		})
	}
}

func TestAHeaderThatIsNotForwardedIsToldOnceForEachAPIAndName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const file = "apis: {a: {url: 'http://h', timeout: %s}, b: {url: 'http://h'}}"
		g := newGate(t, fmt.Sprintf(file, "1s"))
		for _, timeout := range []string{"1s", "1s", "2s"} { // the last one changes "a"
			g.Swap(parse(t, fmt.Sprintf(file, timeout)))
			for _, api := range []string{"a", "b"} {
				g.follow(api, always(step{status: 200}))
				_, err := g.call(t, api, "GET", "/x", "X-Other", "v4lue", "X-Other", "v4lue", "Accept", "a", "Hedgerow-Timeout", "1", "Connection", "X-Hop", "X-Hop", "1")
				require.NoError(t, err)
			}
		}
		for _, api := range []string{"a", "b"} {
			assert.Len(t, g.log.Lines("api", api), 1, "%s: once, however often it comes and the file is read again", api)
		}
		assert.Len(t, g.log.Lines("header", "X-Other"), 2)
		assert.NotContains(t, g.log.String(), "v4lue")
		g.Close()
	})
}

func TestAHundredNamesOfHeadersAreToldForAnAPIAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, "apis: {a: {url: 'http://h'}, b: {url: 'http://h'}}")
		for _, api := range []string{"a", "b"} {
			g.follow(api, always(step{status: 200}))
			for i := range 150 {
				_, err := g.call(t, api, "GET", "/x", fmt.Sprintf("X-%d", i), "1")
				require.NoError(t, err)
			}
			assert.Len(t, g.log.Lines("api", api), 100)
		}
		g.Close()
	})
}

func TestABufferTakesWhatThereIsRoomForAndGetsItBackWithTheLastUser(t *testing.T) {
	b := gateway.NewBuffer(10)
	one, two := b.Hold(), b.Hold()
	assert.True(t, one.Take(6))
	assert.False(t, two.Take(5))
	assert.EqualValues(t, 6, b.Held(), "what was refused is not held")
	assert.True(t, two.Take(4))
	assert.False(t, one.Take(1))
	two.End()
	assert.EqualValues(t, 6, b.Held())
	assert.True(t, one.Take(4))
	one.End()
	assert.Zero(t, b.Held())
}

func TestTheLastQuarterOfABufferIsForAnswersAlone(t *testing.T) {
	b := gateway.NewBuffer(10)
	one, two := b.Hold(), b.Hold()
	assert.True(t, one.TakeRequest(4))
	assert.False(t, two.TakeRequest(5))
	assert.True(t, two.TakeRequest(4))
	assert.False(t, one.TakeRequest(1))
	assert.True(t, one.Take(2))
	assert.True(t, two.TakeRequest(0), "a body that has room for all of it has it to its end")
	one.End()
	two.End()
	assert.Zero(t, b.Held())
}

func TestABodyThatIsRefusedTakesNoRoomFromOthersMeanwhile(t *testing.T) {
	b := gateway.NewBuffer(100)
	var most int64
	ended := make(chan struct{})
	var refused sync.WaitGroup
	refused.Go(func() {
		large := b.Hold()
		defer large.End()
		for {
			select {
			case <-ended:
				return
			default:
				assert.False(t, large.Take(101))
			}
		}
	})
	for range 20_000 {
		small := b.Hold()
		assert.True(t, small.Take(1))
		most = max(most, b.Held())
		small.End()
	}
	close(ended)
	refused.Wait()
	assert.EqualValues(t, 1, most)
}

func TestTheBodiesOfACallAreHeldUntilItsLastAttemptHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(func(made sending) step {
			assert.True(t, made.request.Memory.Take(100))
			return step{after: time.Duration(made.number) * 100 * ms, status: 200}
		})
		g := start(t, one("strategy: first"), s)
		_, err := g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		time.Sleep(199 * ms)
		assert.EqualValues(t, 300, g.buffer.Held(), "a loser may still read what the call has written")
		g.Close()
		assert.Zero(t, g.buffer.Held())
	})
}

func TestACallThatHasWaitedForTooLongIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := always(step{status: 200})
		g := start(t, one("timeout: 2s"), s)
		for waited, want := range map[time.Duration]error{500 * ms: nil, 500*ms + tick: fanout.ErrRefused} {
			_, err := g.callBy(t.Context(), t, "a", "GET", "/x", func(c *gateway.Call) { c.Arrival = c.Arrival.Add(-waited) })
			if want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, want)
			}
		}
		assert.Equal(t, 1, s.requests())
		g.Close()
	})
}

func TestAnAttemptThatPanicsHasFailedAndHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(func(made sending) step {
			assert.True(t, made.request.Memory.Take(100))
			panic("scripted")
		})
		g := start(t, one("strategy: first"), s)
		result, err := g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []string{"internal error", "internal error", "internal error"}, reasons(result))
		g.Close()
		assert.Zero(t, g.buffer.Held())
	})
}
