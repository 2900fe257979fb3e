package transport

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/pause"
)

// plug is the other end of a pool's connections.
type plug struct {
	pool   *pool
	takes  time.Duration // a dial
	fails  error
	mu     sync.Mutex
	dials  int
	closed []*conn
	made   []*conn
}

func newPlug(t *testing.T, limit int, takes time.Duration) *plug {
	t.Helper()
	p := &plug{takes: takes}
	p.pool = newPool(limit, p.dial)
	t.Cleanup(p.pool.close)
	return p
}

func (p *plug) dial(ctx context.Context, _ int) (*conn, error) {
	p.mu.Lock()
	p.dials++
	fails := p.fails
	p.mu.Unlock()
	if err := pause.For(ctx, p.takes); err != nil {
		return nil, err
	}
	if fails != nil {
		return nil, fails
	}
	end, _ := net.Pipe()
	c := newConn(&watched{Conn: end})
	c.Conn.(*watched).closed = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.closed = append(p.closed, c)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made = append(p.made, c)
	return c, nil
}

type watched struct {
	net.Conn

	closed func()
}

func (w *watched) Close() error {
	w.closed()
	return w.Conn.Close()
}

func (p *plug) isClosed(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.closed, c)
}

func (p *plug) take(t *testing.T) *conn {
	t.Helper()
	c, err := p.pool.take(t.Context(), 0, false)
	require.NoError(t, err)
	return c
}

func TestTheConnectionThatWasGivenBackLastIsTakenFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 9, 0)
		a, b := p.take(t), p.take(t)
		p.pool.put(a)
		time.Sleep(ms)
		p.pool.put(b)
		assert.Same(t, b, p.take(t))
		assert.Same(t, a, p.take(t))
		synctest.Wait()
		assert.Equal(t, 2, p.dials)
	})
}

func TestWhoWaitsGetsWhatIsFirstAConnectionGivenBackOrItsOwnDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 9, time.Second)
		a := p.take(t)
		time.AfterFunc(10*ms, func() { p.pool.put(a) })
		began := time.Now()
		assert.Same(t, a, p.take(t))
		assert.Equal(t, 10*ms, time.Since(began))
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 2, p.dials)
		assert.Same(t, p.made[1], p.take(t), "the dial has gone on, for the next")
	})
}

func TestADialOutlivesTheAttemptThatAskedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 1, time.Second)
		for range 3 { // each call has less time than a dial takes
			ctx, cancel := context.WithTimeout(t.Context(), 400*ms)
			_, err := p.pool.take(ctx, 0, false)
			cancel()
			if err == nil {
				break
			}
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		synctest.Wait()
		assert.Equal(t, 1, p.dials, "never more dials than the limit")
		assert.Len(t, p.made, 1)
	})
}

func TestTheLimitHoldsAndWhoeverWaitsGetsTheNextPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 3, ms)
		inUse, most := 0, 0
		var mu sync.Mutex
		var users sync.WaitGroup
		for i := range 50 {
			users.Go(func() {
				c := p.take(t)
				mu.Lock()
				inUse++
				most = max(most, inUse)
				mu.Unlock()
				time.Sleep(time.Duration(i%7) * ms)
				mu.Lock()
				inUse--
				mu.Unlock()
				if i%5 == 0 { // the connection is of no more use
					c.cut()
					p.pool.lost()
					return
				}
				p.pool.put(c)
			})
		}
		users.Wait()
		synctest.Wait()
		assert.Equal(t, 3, most)
		assert.LessOrEqual(t, p.pool.open, 3)
		assert.Len(t, p.pool.idle, p.pool.open)
	})
}

func TestADialThatFailsIsItsAttemptsErrorAndFreesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 1, ms)
		p.fails = errors.New("no")
		for range 3 {
			_, err := p.pool.take(t.Context(), 0, false)
			require.ErrorIs(t, err, p.fails)
		}
		synctest.Wait()
		assert.Zero(t, p.pool.open)
	})
}

func TestWhoAsksForANewConnectionGetsNoOther(t *testing.T) {
	for name, limit := range map[string]int{"with room": 9, "at the limit": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlug(t, limit, ms)
				a, b := p.take(t), p.take(t)
				p.pool.put(a)
				time.AfterFunc(0, func() { p.pool.put(b) })
				c, err := p.pool.take(t.Context(), 0, true)
				require.NoError(t, err)
				assert.NotSame(t, a, c)
				assert.NotSame(t, b, c)
				synctest.Wait()
				assert.LessOrEqual(t, p.pool.open, limit)
			})
		})
	}
}

func TestAnIdleConnectionIsClosedAfterNinetySecondsAndNoneLivesOverFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 9, 0)
		idle := p.take(t)
		p.pool.put(idle)
		time.Sleep(idleTimeout - time.Second)
		assert.False(t, p.isClosed(idle))
		time.Sleep(2 * time.Second)
		assert.True(t, p.isClosed(idle))
		synctest.Wait()
		assert.Zero(t, p.pool.open)

		busy := p.take(t)
		for began := time.Now(); time.Since(began) < maxAge-2*time.Second; {
			p.pool.put(busy)
			time.Sleep(time.Second)
			require.Same(t, busy, p.take(t))
		}
		time.Sleep(3 * time.Second)
		p.pool.put(busy)
		assert.True(t, p.isClosed(busy))
	})
}

func TestOnlyWhatHasNotSpokenSinceIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 9, 0)
		a, b, c := p.take(t), p.take(t), p.take(t)
		p.pool.put(a)
		time.Sleep(ms)
		since := time.Now()
		time.Sleep(ms)
		p.pool.put(b)
		p.pool.leave(since)
		assert.True(t, p.isClosed(a))
		assert.False(t, p.isClosed(b))
		p.pool.put(c)
		assert.Same(t, c, p.take(t), "what was in use has spoken since")
		assert.Equal(t, 2, p.pool.open)
	})
}

func TestAClosedPoolKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug(t, 9, time.Second)
		a, b := p.take(t), p.take(t)
		p.pool.put(a)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := p.pool.take(ctx, 0, true) // leaves a dial behind
		require.ErrorIs(t, err, context.Canceled)
		synctest.Wait()
		p.pool.close()
		p.pool.put(b)
		synctest.Wait()
		assert.True(t, p.isClosed(a))
		assert.True(t, p.isClosed(b))
		assert.Zero(t, p.pool.open)
	})
}
