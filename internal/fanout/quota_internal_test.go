package fanout

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted is a quota that counts what is taken of it.
type counted struct{ taken int }

func (q *counted) Wait(_ context.Context, n int, _ time.Time) (int, time.Duration) {
	return q.Spare(n), 0
}

func (q *counted) Spare(n int) int {
	q.taken += n
	return n
}

// What is tested happens between two lines of the engine, where no caller can be.
func TestAttemptsThatTheCapHadNoRoomForAreRefusedWhenItHasSomeAMomentLater(t *testing.T) {
	quota := &counted{}
	s := New[int](Settings{MaxInFlight: 2, Quota: quota})
	c := &Call[int]{service: s}
	assert.True(t, s.reserve(2))
	granted, err := c.turn(1)
	assert.Equal(t, 1, granted)
	require.NoError(t, err)
	assert.Zero(t, quota.taken)
	s.inFlight.Add(-2)
	assert.Equal(t, errCap, c.admit(1), "it was not counted in the quota")
	assert.Zero(t, s.InFlight())
	granted, err = c.turn(1)
	assert.Equal(t, 1, granted)
	require.NoError(t, err)
	assert.Equal(t, 1, quota.taken)
	require.NoError(t, c.admit(1))
	assert.Equal(t, 1, s.InFlight())
}
