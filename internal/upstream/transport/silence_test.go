package transport

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// deaf is an API whose connections of before die silently at a moment, while new ones are well.
type deaf struct {
	*faultserver.Server

	all chan struct{} // closed when all connections are made

	mu  sync.Mutex
	old map[net.Conn]bool
	now bool
}

func newDeaf(t *testing.T) *deaf {
	d := &deaf{old: map[net.Conn]bool{}, all: make(chan struct{})}
	d.Server = faultserver.New(t, func(c net.Conn) bool {
		d.mu.Lock()
		dead := d.now && d.old[c]
		if !d.now {
			d.old[c] = true
		}
		d.mu.Unlock()
		if dead {
			return faultserver.Hang("")(c)
		}
		return faultserver.When(d.all, faultserver.Raw(ok+two, true))(c)
	})
	return d
}

// keep makes connections, all of which the origin keeps.
func (d *deaf) keep(t *testing.T, o *Origin, n int) {
	t.Helper()
	r := newRequest(t, http.MethodGet, nil)
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() { _ = ask(t.Context(), o, r, Attempt{}) })
	}
	d.WaitForRequests(t, n)
	close(d.all)
	calls.Wait()
	require.Equal(t, n, o.Idle())
	d.mu.Lock()
	d.now = true
	d.mu.Unlock()
}

func TestAHedgeBesideASilentAttemptLeavesTheConnectionsThatAreSilentWithIt(t *testing.T) {
	d := newDeaf(t)
	o := newOrigin(t, d.Server)
	d.keep(t, o, 60)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan got, 1)
	began := time.Now()
	r := newRequest(t, http.MethodGet, nil)
	go func() { first <- ask(ctx, o, r, Attempt{}) }()
	d.WaitForRequests(t, 61)
	hedge := ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{Number: 1, Beside: began})
	require.NoError(t, hedge.err)
	assert.Equal(t, 1, hedge.sent)
	for range 3 { // so are all later ones
		later := ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{})
		require.NoError(t, later.err)
		assert.Equal(t, 1, later.sent)
	}
	assert.Equal(t, 1, o.Idle(), "the others are closed")
	cancel()
	require.ErrorIs(t, (<-first).err, context.Canceled)
}

func TestAnAttemptThatIsCutInSilenceTakesTheSilentConnectionsAlong(t *testing.T) {
	for name, test := range map[string]struct {
		silence time.Duration
		idle    int
	}{"after a while": {0, 0}, "at once, which says nothing": {time.Hour, 29}} {
		t.Run(name, func(t *testing.T) {
			d := newDeaf(t)
			o := newOrigin(t, d.Server)
			d.keep(t, o, 30)
			assert.Equal(t, silence, o.silence)
			o.silence = test.silence
			ctx, cancel := context.WithCancel(t.Context())
			first, r := make(chan got, 1), newRequest(t, http.MethodGet, nil)
			go func() { first <- ask(ctx, o, r, Attempt{}) }()
			d.WaitForRequests(t, 31)
			cancel()
			require.ErrorIs(t, (<-first).err, context.Canceled)
			assert.Equal(t, test.idle, o.Idle())
		})
	}
}

func TestAnIdleConnectionThatTheAPIClosesIsClosedHereToo(t *testing.T) {
	server := faultserver.New(t, func(c net.Conn) bool {
		_, _ = io.WriteString(c, ok+two)
		return false
	})
	o := newOrigin(t, server)
	require.NoError(t, ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{}).err)
	require.Eventually(t, func() bool { return o.Idle() == 0 }, 10*time.Second, 10*time.Millisecond)
}
