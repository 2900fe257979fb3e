package transport

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhoWantsANewConnectionIsNotOvertakenAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 1, 0)
		c := p.take(t)
		fresh, later := p.pool.wait(0, true), p.pool.wait(0, false)
		p.pool.put(c)
		made := <-fresh.ready
		require.NoError(t, made.err)
		assert.NotSame(t, c, made.conn)
		assert.True(t, p.isClosed(c), "it had the room")
		p.pool.put(made.conn)
		assert.Same(t, made.conn, (<-later.ready).conn)
		assert.Equal(t, 2, p.dials)
	})
}

func TestAConnectionThatIsGivenBackJustBeforeTheWaitIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 1, 0)
		c := p.take(t)
		require.Nil(t, p.pool.pop())
		p.pool.put(c)
		assert.Same(t, c, (<-p.pool.wait(0, false).ready).conn)
		assert.Equal(t, 1, p.dials)
		assert.Zero(t, p.pool.starved)
		assert.Zero(t, p.pool.waiting.Len())
	})
}
