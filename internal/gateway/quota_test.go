package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/quota"
	"hedgerow/test/faultserver"
)

// fill makes calls to "a" until one is refused, and returns how many requests were sent for them.
func (g *gate) fill(t *testing.T, s *script) int {
	t.Helper()
	before := s.requests()
	for {
		if _, err := g.call(t, "a", "GET", "/x"); err != nil {
			require.ErrorIs(t, err, fanout.ErrRefused)
			return s.requests() - before
		}
	}
}

func TestAnAPIGetsNoMoreRequestsThanItsQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := always(step{status: 200})
		g := start(t, one("quota: 10/s, strategy: first, timeout: 100ms"), s)
		result, err := g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.Equal(t, 3, result.Sent)
		for range 2 {
			_, err = g.call(t, "a", "GET", "/x")
			require.NoError(t, err)
		}
		result, err = g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.Equal(t, 1, result.Sent, "one is left, and the others give way")
		assert.Equal(t, []string{"", "quota", "quota"}, reasons(result))
		result, err = g.call(t, "a", "GET", "/x")
		var refused *fanout.RefusedError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, fanout.RefusedError{Kind: fanout.KindQuota, RetryAfter: 100 * ms}, *refused, "its turn would come when the call is over")
		assert.Equal(t, []string{"quota", "quota", "quota"}, reasons(result))
		synctest.Wait() // until losers have begun too
		assert.Equal(t, 10, s.requests())
		g.Close()
	})
}

func TestAnAPIWithoutAQuotaHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, "defaults: {quota: 1/s}\napis: {a: {url: 'http://h', quota: off}}", always(step{status: 200}))
		for range 50 {
			_, err := g.call(t, "a", "GET", "/x")
			require.NoError(t, err)
		}
		assert.Zero(t, g.load(t).Quota)
		g.Close()
	})
}

func TestTheLoadTellsOfTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, one("quota: 600/m"), always(step{status: 200}))
		for range 10 {
			_, err := g.call(t, "a", "GET", "/x")
			require.NoError(t, err)
		}
		assert.Equal(t, quota.Load{PerSecond: 10}, g.load(t).Quota)
		_, err := g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.Equal(t, quota.Load{PerSecond: 10, Waits: 1, Waited: 100 * ms}, g.load(t).Quota)
		time.Sleep(time.Second)
		assert.Equal(t, quota.Load{PerSecond: 10, Left: 10, Waits: 1, Waited: 100 * ms}, g.load(t).Quota)
		g.Close()
	})
}

func TestWhatWasTakenOfAQuotaStaysTakenWhenTheFileIsReadAgain(t *testing.T) {
	for name, test := range map[string]struct {
		after string
		at    int // once, right after that
		later int // a second later
	}{
		"nothing changes":        {"quota: 10/s, timeout: 20ms", 0, 10},
		"something else changes": {"quota: 10/s, timeout: 30ms", 0, 10},
		"the quota grows":        {"quota: 20/s, timeout: 20ms", 0, 20},
		"the quota shrinks":      {"quota: 5/s, timeout: 20ms", 0, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := always(step{status: 200})
				g := start(t, one("quota: 10/s, timeout: 20ms"), s)
				assert.Equal(t, 10, g.fill(t, s))
				g.Swap(parse(t, one(test.after)))
				g.follow("a", s)
				assert.Equal(t, test.at, g.fill(t, s))
				time.Sleep(time.Second)
				assert.Equal(t, test.later, g.fill(t, s))
				g.Close()
			})
		})
	}
}

func TestARequestThatIsSentAgainCountsAgainstTheQuota(t *testing.T) {
	server := faultserver.New(t, faultserver.Answer(1), faultserver.Close(), faultserver.Answer(2))
	g := newGate(t, "apis: {a: {url: '"+server.URL+"', quota: 10/s, attempts: 1, timeout: 20s}}")
	defer g.Close()
	began := time.Now()
	for range 2 {
		_, err := g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
	}
	left := g.load(t).Quota.Left
	assert.Equal(t, 3, server.Requests(), "the connection ended under the second")
	assert.LessOrEqual(t, left, 7+10*time.Since(began).Seconds())
}
