package live

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

const ms = time.Millisecond

// words are those of the tests.
func words(r fanout.Reason) string { return r.String() }

// never says that no call is slow by the figures.
func never(string, time.Duration) bool { return false }

func begin(h *History, id string) *Call {
	return h.Begin(Beginning{ID: id, API: "rates", Route: "GET /latest", Strategy: "smart", Arrival: time.Now(), Timeout: time.Second})
}

// answerWell has a call fire one attempt that wins.
func answerWell(c *Call) {
	a := fanout.Attempt{Outcome: fanout.Running, Started: time.Now()}
	c.Fired(a)
	a.Outcome = fanout.Won
	c.Ended(a)
	c.Answered(200)
}

// look returns what a follower is told.
func look(t *testing.T, f *follower) []shownCall {
	t.Helper()
	encoded := f.look()
	calls := make([]shownCall, len(encoded))
	for i := range encoded {
		require.NoError(t, json.Unmarshal(encoded[i], &calls[i]))
	}
	return calls
}

func TestACallIsToldAsItRunsUntilItsLastLoserHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(words, never)
		f := &follower{history: h}
		assert.Empty(t, look(t, f))

		c := begin(h, "id1")
		first := fanout.Attempt{Outcome: fanout.Running, Started: time.Now()}
		c.Fired(first)
		shown := look(t, f)
		require.Len(t, shown, 1)
		assert.Equal(t, shownCall{
			Number: 1, ID: "id1", API: "rates", Route: "GET /latest", Strategy: "smart", Arrival: float64(time.Now().UnixMilli()), Timeout: 1000,
			Attempts: []shownAttempt{{Number: 1, URL: 1, Outcome: "running"}},
		}, shown[0])
		assert.Empty(t, look(t, f), "nothing has changed")

		time.Sleep(300 * ms)
		hedge := fanout.Attempt{Number: 1, Place: 1, Hedge: true, Outcome: fanout.Running, Started: time.Now()}
		c.Fired(hedge)
		c.Ended(fanout.Attempt{
			Number: 2, Hedge: true, Outcome: fanout.Refused, Started: time.Now(), Err: &fanout.Failure{Reason: fanout.Reason{Kind: fanout.KindBudget}},
		})
		time.Sleep(20 * ms)
		hedge.Outcome, hedge.Duration = fanout.Won, 20*ms
		c.Ended(hedge)
		c.Answered(200)
		shown = look(t, f)
		require.Len(t, shown, 1)
		assert.Equal(t, "answered", shown[0].Outcome)
		assert.Equal(t, 200, shown[0].Status)
		assert.InDelta(t, 320, shown[0].Took, 0)
		assert.Equal(t, []shownAttempt{
			{Number: 1, URL: 1, Outcome: "running"},
			{Number: 2, URL: 2, Hedge: true, From: 300, Took: 20, Outcome: "won"},
			{Number: 3, URL: 1, Hedge: true, From: 300, Outcome: "refused", Reason: "budget"},
		}, shown[0].Attempts)

		time.Sleep(250 * ms)
		first.Outcome, first.Duration = fanout.Cancelled, 570*ms
		c.Ended(first)
		shown = look(t, f)
		require.Len(t, shown, 1)
		assert.Equal(t, shownAttempt{Number: 1, URL: 1, Took: 570, Outcome: "cancelled"}, shown[0].Attempts[0])
		assert.Empty(t, f.followed, "it is over")
	})
}

func TestHowACallEndedIsOneWord(t *testing.T) {
	for _, call := range []struct {
		strategy string
		attempts []fanout.Outcome
		status   int
		word     string
	}{
		{"smart", []fanout.Outcome{fanout.Won}, 200, "answered"},
		{"first", []fanout.Outcome{fanout.Running, fanout.Won}, 404, "answered"},
		{"first", []fanout.Outcome{fanout.Failed, fanout.Won}, 504, "answered"}, // the file may say that this is a success
		{"first", []fanout.Outcome{fanout.Running, fanout.Won}, 504, "answered"},
		{"all", []fanout.Outcome{fanout.Failed, fanout.Won}, 200, "answered"},
		{"within-timeout", []fanout.Outcome{fanout.Running}, 200, "answered"},
		{"smart", []fanout.Outcome{fanout.Failed, fanout.Failed}, 502, "failed"},
		{"smart", []fanout.Outcome{fanout.Failed, fanout.Refused}, 504, "failed"}, // the API's own
		{"smart", []fanout.Outcome{fanout.Failed}, 200, "failed"},
		{"all", []fanout.Outcome{fanout.Won, fanout.Won}, 503, "failed"}, // no room for the array
		{"all", []fanout.Outcome{fanout.Won, fanout.Running}, 504, "timed_out"},
		{"smart", []fanout.Outcome{fanout.TimedOut}, 504, "timed_out"},
		{"first", []fanout.Outcome{fanout.Refused, fanout.Refused}, 503, "refused"},
		{"within-timeout", []fanout.Outcome{fanout.Refused}, 503, "refused"},
		{"smart", []fanout.Outcome{fanout.Running}, 499, "abandoned"},
	} {
		c := newHistory(words, never).Begin(Beginning{Strategy: call.strategy, Arrival: time.Now(), Timeout: time.Second})
		for i, outcome := range call.attempts {
			c.put(fanout.Attempt{Number: i, Outcome: outcome})
		}
		c.Answered(call.status)
		assert.Equal(t, call.word, c.outcome, "%+v", call)
	}
}

func TestOfAnErrorOnlyTheReasonIsShown(t *testing.T) {
	h := newHistory(words, never)
	c := begin(h, "id")
	c.Ended(fanout.Attempt{
		Outcome: fanout.Failed, Started: time.Now(), Err: &fanout.Failure{Reason: fanout.Reason{Kind: "status", Code: 500}, Err: errors.New("s3cret")},
	})
	encoded, _, _ := c.changed(-1)
	assert.Contains(t, string(encoded), `"reason":"status 500"`)
	assert.NotContains(t, string(encoded), "s3cret")
}

func TestACallIsSlowOverHalfOfItsTimeoutOrByTheFigures(t *testing.T) {
	for _, call := range []struct {
		took, slowest time.Duration
		slow          bool
	}{
		{500 * ms, time.Minute, false},
		{500*ms + 1, time.Minute, true},
		{200 * ms, 200 * ms, false},
		{200*ms + 1, 200 * ms, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(words, func(api string, took time.Duration) bool { return api == "rates" && took > call.slowest })
			c := begin(h, "id")
			time.Sleep(call.took)
			answerWell(c)
			assert.Equal(t, call.slow, c.slow, "%v", call)
		})
	}
}
