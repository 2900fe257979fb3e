package gateway_test

import (
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestWhenTheFirstURLIsIllTheSecondAnswersByTheHedgesTime(t *testing.T) {
	const delay, latency = 300 * ms, 10 * ms
	for name, test := range map[string]struct {
		first step
		want  time.Duration
	}{
		"refuses":                   {step{err: syscall.ECONNREFUSED}, latency},
		"answers 500":               {step{after: 50 * ms, status: 500}, 50*ms + latency},
		"is reset":                  {step{after: 50 * ms, err: syscall.ECONNRESET}, 50*ms + latency},
		"hangs":                     {step{after: hangs}, delay + tick + latency},
		"black-holes":               {step{after: 2 * time.Second, err: syscall.ETIMEDOUT}, delay + tick + latency},
		"answers 500 a bit late":    {step{after: delay + 5*ms, status: 500}, delay + tick + latency},
		"is well, but slow":         {step{after: 400 * ms, status: 200, body: "first"}, delay + tick + latency},
		"is busy, and asks to wait": {step{after: 20 * ms, status: 503, header: http.Header{"Retry-After": {"30"}}}, 20*ms + latency},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(func(made sending) step {
				if made.url == 0 {
					return test.first
				}
				return step{after: latency, status: 200, body: "second"}
			})
			g := start(t, mirrored("attempts: 2, hedge: {delay: 300ms}"), s)
			result, err := g.call(t, "a", "GET", "/x")
			assertBody(t, "second", result, err)
			assert.Equal(t, test.want, time.Since(s.began), name)
			assert.Equal(t, []int{0, 1}, s.order(), name)
			g.Close()
		})
	}
}

func TestAttemptNGoesToURLNRoundAndRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for strategy := range strategies {
			s := newScript(func(sending) step { return step{after: ms, err: syscall.ECONNRESET} })
			g := start(t, mirrored("attempts: 7, hedge: {delay: 0s}, strategy: "+strategy), s)
			_, _ = g.call(t, "a", "GET", "/x")
			assert.Equal(t, []int{0, 1, 2, 0, 1, 2, 0}, s.order(), strategy)
			g.Close()
		}
	})
}

func TestWithSpreadTheFirstAttemptGoesRoundTheURLsAndEachFurtherOneToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for spread, want := range map[string][][]int{
			"spread: false": {{0, 1}, {0, 1}, {0, 1}, {0, 1}}, "spread: true": {{0, 1}, {1, 2}, {2, 0}, {0, 1}},
		} {
			g := newGate(t, mirrored("attempts: 2, strategy: first, "+spread))
			for call, order := range want {
				s := newScript(func(sending) step { return step{status: 200} })
				g.follow("a", s)
				_, err := g.call(t, "a", "GET", "/x")
				require.NoError(t, err)
				synctest.Wait()
				assert.Equal(t, order, s.order(), "%s, call %d", spread, call)
			}
			g.Close()
		}
	})
}

// asks is a step that asks for some seconds.
func asks(seconds string) step {
	return step{after: ms, status: 503, header: http.Header{"Retry-After": {seconds}}}
}

func TestPushbackHoldsForTheURLThatAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := []step{asks("7"), {after: ms, status: 200}, {after: ms, status: 500}}
		s := newScript(func(made sending) step { return steps[made.url] })
		g := start(t, mirrored("attempts: 5, hedge: {delay: 300ms}"), s)
		_, err := g.call(t, "a", "GET", "/x")
		require.NoError(t, err, "the second URL has not asked for time")
		assert.Equal(t, []int{0, 1, 2, 1}, s.order(), "the fourth attempt would go to the first URL, which has")

		steps[0] = step{after: hangs}
		s.sent = nil
		result, err := g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.Equal(t, []int{0, 1, 2, 1}, s.order(), "first attempts go there all the same")
		assert.Equal(t, fanout.Refused, result.Attempts[3].Outcome)
		assert.Equal(t, fanout.KindPushback, result.Attempts[3].Reason().Kind)

		time.Sleep(7 * time.Second)
		s.sent = nil
		_, err = g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.Equal(t, []int{0, 1, 2, 0, 1}, s.order(), "the time that it asked for is over")
		g.Close()
	})
}

func TestWithOneURLPushbackHoldsEveryHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := asks("60")
		s := newScript(func(sending) step { return answer })
		g := start(t, one(""), s)
		result, err := g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []fanout.Outcome{fanout.Failed, fanout.Refused, fanout.Refused}, outcomes(result))
		assert.Equal(t, 503, result.Failed.Status, "the caller gets what the API said")
		answer = step{status: 500}
		time.Sleep(29 * time.Second)
		_, _ = g.call(t, "a", "GET", "/x")
		assert.Equal(t, 2, s.requests())
		time.Sleep(time.Second)
		_, _ = g.call(t, "a", "GET", "/x")
		assert.Equal(t, 2+3, s.requests(), "30 s at most")
		g.Close()
	})
}
