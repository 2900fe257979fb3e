package live

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestACallThatFailedOutlivesThoseAfterIt(t *testing.T) {
	h := newHistory(words, never)
	for i := range keptCalls + 1 {
		begin(h, fmt.Sprint("failed ", i)).Answered(502)
	}
	for range 10 * lastCalls {
		answerWell(begin(h, "well"))
	}
	shown := look(t, &follower{history: h})
	require.Len(t, shown, keptCalls+mostFresh)
	assert.Equal(t, "failed 1", shown[0].ID, "the oldest that is kept")
	assert.Equal(t, fmt.Sprint("failed ", keptCalls), shown[keptCalls-1].ID)
	assert.Equal(t, "well", shown[keptCalls].ID)
	assert.EqualValues(t, keptCalls+1+10*lastCalls, shown[len(shown)-1].Number, "the newest is the last")
}

func TestAFollowerThatDoesNotLookHoldsNothingAndGetsTheNewest(t *testing.T) {
	h := newHistory(words, never)
	f := &follower{history: h}
	answerWell(begin(h, "before"))
	require.Len(t, look(t, f), 1)
	for range 100_000 {
		answerWell(begin(h, "meanwhile"))
	}
	assert.Empty(t, f.followed)
	shown := look(t, f)
	require.Len(t, shown, mostFresh)
	assert.EqualValues(t, 100_001, shown[mostFresh-1].Number)
	assert.Empty(t, look(t, f))
}

func TestCallsThatDoNotEndDoNotPileUpAtAFollower(t *testing.T) {
	h := newHistory(words, never)
	f := &follower{history: h}
	for range 100 {
		for range mostFresh {
			begin(h, "endless")
		}
		assert.Len(t, look(t, f), mostFresh)
	}
	assert.Len(t, f.followed, mostFollowed)
	assert.EqualValues(t, 100*mostFresh, f.followed[mostFollowed-1].call.number)
}

func TestACallThatIsKeptWhileItIsFollowedIsToldOnce(t *testing.T) {
	h := newHistory(words, never)
	f := &follower{history: h}
	c := begin(h, "id")
	c.Fired(fanout.Attempt{Started: time.Now()})
	require.Len(t, look(t, f), 1)
	c.Answered(504) // while the attempt runs on
	require.Len(t, look(t, f), 1)
	assert.Len(t, f.followed, 1)
}

func TestManyCallsAndFollowersAtATime(t *testing.T) {
	h := newHistory(words, never)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				answerWell(begin(h, "id"))
			}
		})
		all.Go(func() {
			f, newest := &follower{history: h}, uint64(0)
			for newest < 8000 {
				for _, c := range look(t, f) {
					assert.NotEmpty(t, c.ID)
					newest = max(newest, c.Number)
				}
			}
		})
	}
	all.Wait()
}

func TestARingHoldsTheNewest(t *testing.T) {
	r := newRing(3)
	assert.Empty(t, r.after(0, 5))
	calls := []*Call{{}, {}, {}, {}, {}}
	for _, c := range calls {
		r.add(c)
	}
	assert.Equal(t, calls[2:], r.after(0, 5))
	assert.Equal(t, calls[3:], r.after(0, 2))
	assert.Equal(t, calls[4:], r.after(4, 5))
	assert.Empty(t, r.after(5, 5))
}

// BenchmarkHistory is what the record of a call of three attempts costs while nobody looks.
func BenchmarkHistory(b *testing.B) {
	h := newHistory(words, never)
	now := time.Now()
	beginning := Beginning{ID: "REKTJXIN45EO3DLYCHEGRIAKYJ", Strategy: "first", Arrival: now, Timeout: time.Hour}
	failure := &fanout.Failure{Reason: fanout.Reason{Kind: "status", Code: 500}}
	b.ReportAllocs()
	for b.Loop() {
		c := h.Begin(beginning)
		for i := range 3 {
			c.Fired(fanout.Attempt{Number: i, Outcome: fanout.Running, Started: now})
		}
		c.Ended(fanout.Attempt{Number: 2, Outcome: fanout.Failed, Started: now, Err: failure})
		c.Ended(fanout.Attempt{Number: 1, Outcome: fanout.Won, Started: now})
		c.Answered(200)
		c.Ended(fanout.Attempt{Number: 0, Outcome: fanout.Late, Started: now})
	}
}
