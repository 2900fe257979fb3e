package gateway_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/gateway"
	"hedgerow/internal/upstream"
)

// two and three are settings of an API by their attempts.
const (
	two   = "attempts: 2, timeout: 10s, hedge: {delay: 300ms, budget: off}"
	three = "attempts: 3, timeout: 10s, hedge: {delay: 300ms, budget: off}"
)

var (
	well   = step{after: 10 * ms, status: 200}
	fails  = step{after: 10 * ms, err: syscall.ECONNRESET}
	silent = step{after: hangs}
)

// mirrors is a script that does the same at a URL each time. A test may change what.
type mirrors struct {
	*script
	*gate

	steps []step
}

// atMirrors returns a gateway to the API "a" at three URLs.
func atMirrors(t *testing.T, settings string, steps ...step) *mirrors {
	t.Helper()
	m := &mirrors{steps: steps}
	m.script = newScript(func(made sending) step { return m.steps[made.url] })
	m.gate = start(t, mirrored(settings), m.script)
	return m
}

// ask makes a call, whatever becomes of it, waits for its losers and returns the URLs that it has asked, in order.
func (m *mirrors) ask(t *testing.T) []int {
	t.Helper()
	return m.askFor(t, "GET", "/x")
}

func (m *mirrors) askFor(t *testing.T, method, path string) []int {
	t.Helper()
	m.sent = nil
	_, _ = m.call(t, "a", method, path)
	time.Sleep(grace + tick)
	synctest.Wait() // what the attempts have read may be changed from here on
	return m.order()
}

// asks checks which URLs each of several calls asks.
func (m *mirrors) asks(t *testing.T, calls int, want ...int) {
	t.Helper()
	for i := range calls {
		require.Equal(t, want, m.ask(t), "call %d", i)
	}
}

func TestAURLThatFailsFiveTimesInARowWhileAnotherAnswersIsTriedLast(t *testing.T) {
	for name, ill := range map[string]step{
		"its connections are reset":           fails,
		"it answers with a status that fails": {after: 10 * ms, status: 500},
		"it is silent":                        silent,
		"it answers when the grace is over":   {after: 300*ms + tick + 10*ms + grace + tick, status: 200},
		"it asks to wait":                     asks("1"),
	} {
		synctest.Test(t, func(t *testing.T) {
			m := atMirrors(t, two, ill, well, well)
			m.asks(t, 5, 0, 1)
			m.asks(t, 5, 1)
			m.steps[1] = fails
			assert.Equal(t, []int{1, 2}, m.ask(t), "%s: the others keep their order", name)
			m.Close()
		})
	}
}

func TestAnAnswerBreaksTheRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two, fails, well, well)
		for range 3 {
			m.steps[0] = fails
			m.asks(t, 4, 0, 1)
			m.steps[0] = well
			m.asks(t, 1, 0)
		}
		m.steps[0] = step{after: 300*ms + tick + 10*ms + grace, status: 200}
		m.asks(t, 20, 0, 1) // slow, but it does answer
		m.Close()
	})
}

func TestWhatTheRuleTakesForASuccessIsAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, settings := range []string{two, two + ", success: {status: [404]}"} {
			m := atMirrors(t, settings, step{status: 404}, well, well)
			m.asks(t, 20, 0)
			m.Close()
		}
	})
}

func TestWhenAllFailNobodyMoves(t *testing.T) {
	for name, ill := range map[string]step{"they fail": fails, "they are silent": silent} {
		synctest.Test(t, func(t *testing.T) {
			m := atMirrors(t, three, well, well, well)
			m.asks(t, 3, 0)
			m.steps = []step{ill, ill, ill}
			m.asks(t, 20, 0, 1, 2)
			m.steps[1] = well
			assert.Equal(t, []int{0, 1, 2}, m.ask(t)[:3], "%s: the last of the row has ended before the answer", name)
			m.Close()
		})
	}
}

func TestAnAnswerFromBeforeTheRowDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, "attempts: 1, spread: true", well, well, well)
		for want := range 3 {
			m.asks(t, 1, want)
		}
		m.Swap(parse(t, mirrored("attempts: 1, spread: true"))) // keeps what it knows
		m.steps = []step{fails, fails, fails}
		for call := range 60 {
			m.asks(t, 1, call%3)
		}
		m.Close()
	})
}

func TestASilentURLSaysNothingUnlessAnotherAnswersTheSameCall(t *testing.T) {
	for name, test := range map[string]struct {
		settings string
		steps    []step
		want     []int
	}{
		"no other was asked":      {"timeout: 200ms, hedge: {delay: 300ms, budget: off}", []step{silent, well, well}, []int{0}},
		"none has answered":       {"timeout: 1s, hedge: {delay: 300ms, budget: off}, attempts: 3", []step{silent, silent, silent}, []int{0, 1, 2}},
		"the others have failed":  {"timeout: 1s, hedge: {delay: 300ms, budget: off}, attempts: 3", []step{silent, fails, fails}, []int{0, 1, 2}},
		"its own second attempt":  {"timeout: 1s, strategy: all, attempts: 4", []step{silent, fails, fails, well}, []int{0, 1, 2, 0}},
		"all have timed out late": {"timeout: 1s, strategy: all", []step{{after: 1100 * ms, status: 200}, silent, silent}, []int{0, 1, 2}},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := atMirrors(t, test.settings, test.steps...)
			m.play = func(made sending) step {
				if made.number == 3 {
					return test.steps[3]
				}
				return test.steps[made.url]
			}
			for range 20 {
				require.Equal(t, test.want, m.ask(t), name)
			}
			m.Close()
		})
	}
}

func TestAURLThatTimesOutBesideAnAnswerHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, "timeout: 1s, strategy: within-timeout", silent, well, well)
		m.asks(t, 5, 0, 1, 2)
		m.asks(t, 1, 1, 2, 0)
		m.Close()
	})
}

func TestAURLIsFirstAgainOnceItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, three, fails, well, well)
		m.asks(t, 5, 0, 1, 2)
		m.steps = []step{well, fails, fails}
		m.asks(t, 1, 1, 2, 0) // the last is asked all the same
		m.asks(t, 1, 0)
		m.Close()
	})
}

func TestWhatAnAbandonedCallsAttemptsSayIsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, "strategy: all, timeout: 10s", silent, well, well)
		for range 20 {
			ctx, leave := context.WithTimeout(t.Context(), 100*ms) // two have answered by then
			_, err := m.callBy(ctx, t, "a", "GET", "/x", func(*gateway.Call) {})
			leave()
			require.ErrorIs(t, err, fanout.ErrAbandoned)
			synctest.Wait()
		}
		m.asks(t, 1, 0, 1, 2)
		m.Close()
	})
}

func TestWhatIsNotTheURLsFaultDoesNotCountAgainstIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two, step{err: upstream.ErrFull}, well, well)
		m.asks(t, 20, 0, 1) // no room for its answers
		m.play = func(made sending) step {
			if made.url == 0 {
				panic("scripted")
			}
			return well
		}
		m.asks(t, 20, 0, 1)
		m.Close()
	})
}

func TestWantOfRoomForAnAnswerDoesNotCountAgainstAURLWithASecretInItsHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atSecretMirrors(t, step{err: &fanout.Failure{Err: fmt.Errorf("s3cret.h: %w", upstream.ErrFull)}}, well)
		m.asks(t, 20, 0, 1)
		result, err := m.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.NotContains(t, result.Attempts[0].Err.Error(), "s3cret")
		m.Close()
	})
}

func TestManyCallsAtATimeAgreeOnTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two+", max_in_flight: 500", fails, well, well)
		var calls sync.WaitGroup
		for range 64 {
			calls.Go(func() {
				for range 20 {
					_, err := m.call(t, "a", "GET", "/x")
					assert.NoError(t, err)
				}
			})
		}
		calls.Wait()
		m.asks(t, 1, 1)
		m.Close()
	})
}
