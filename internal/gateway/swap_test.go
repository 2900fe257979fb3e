package gateway_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestCallsInFlightKeepTheirsWhenTheFileIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, after := always(step{after: 500 * ms, status: 200, body: "before"}), always(step{status: 200, body: "after"})
		g := start(t, one("attempts: 3, hedge: {delay: 100ms}, timeout: 2s"), before)
		var call sync.WaitGroup
		call.Go(func() {
			result, err := g.call(t, "a", "GET", "/x")
			assertBody(t, "before", result, err)
			assert.Equal(t, 500*ms, time.Since(before.began))
		})
		time.Sleep(50 * ms)
		g.Swap(parse(t, one("attempts: 1, timeout: 100ms")))
		g.follow("a", after)
		result, err := g.call(t, "a", "GET", "/x")
		assertBody(t, "after", result, err)
		call.Wait()
		assert.Equal(t, 3, before.requests(), "its hedges too, after the file was read again")
		assert.Equal(t, 1, after.requests())
		g.Close()
		assert.Equal(t, 600*ms+tick, time.Since(before.began), "the old API ends with its losers")
	})
}

func TestAnAPIThatIsGoneAnswersTheCallsThatBeganAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, one("attempts: 1"), always(step{after: 500 * ms, status: 200, body: "before"}))
		var call sync.WaitGroup
		call.Go(func() {
			result, err := g.call(t, "a", "GET", "/x")
			assertBody(t, "before", result, err)
		})
		synctest.Wait()
		g.Swap(parse(t, "apis: {b: {url: 'http://h'}}"))
		assert.Nil(t, g.Use("a"))
		assert.Len(t, g.Loads(), 1)
		call.Wait()
		g.Close()
	})
}

func TestAnAPIThatDidNotChangeKeepsItsStatistics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(func(sending) step { return asks("20") })
		g := start(t, mirrored("attempts: 2, spread: true"), s)
		_, err := g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []int{0, 1}, s.order())

		g.Swap(append(parse(t, mirrored("attempts: 2, spread: true")), parse(t, "apis: {b: {url: 'http://h'}}")...))
		s.sent = nil
		_, err = g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []int{1, 2}, s.order(), "whose turn it is")
		s.sent = nil
		result, err := g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []fanout.Outcome{fanout.Failed, fanout.Refused}, outcomes(result), "which URL has asked for time")

		g.Swap(parse(t, mirrored("attempts: 2, spread: true, timeout: 2s")))
		s.sent = nil
		g.follow("a", s)
		_, err = g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []int{0, 1}, s.order(), "another API knows nothing yet")
		g.Close()
	})
}

func TestAFileIsSwappedInWhole(t *testing.T) {
	files := []string{
		"apis: {a: {url: 'http://h', example: /1}, b: {url: 'http://h', example: /1}, c: {url: 'http://h'}}",
		"apis: {a: {url: 'http://h', example: /2}, b: {url: 'http://h', example: /2}}",
	}
	g := newGate(t, files[0])
	stop := make(chan struct{})
	var looking sync.WaitGroup
	for range 4 {
		looking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				apis := g.APIs()
				if !assert.Equal(t, apis[0].Example(), apis[1].Example()) || !assert.Equal(t, apis[0].Example() == "/1", len(apis) == 3) {
					return
				}
				for _, name := range []string{"a", "b"} {
					api := g.Use(name)
					if !assert.NotNil(t, api, "there is such an API in either file") {
						return
					}
					api.Release()
				}
			}
		})
	}
	for i := range 200 {
		g.Swap(parse(t, files[(i+1)%2]))
	}
	close(stop)
	looking.Wait()
	g.Close()
	assert.Empty(t, g.APIs())
}

func TestCloseWaitsForLosers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(func(made sending) step { return step{after: time.Duration(made.number) * hangs, status: 200} })
		g := start(t, one("strategy: first"), s)
		_, err := g.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.Zero(t, time.Since(s.began), "the call does not")
		g.Close()
		assert.Equal(t, []time.Duration{grace, grace}, s.cut, "attempts are cut when their grace is over")
		assert.Equal(t, grace, time.Since(s.began))
	})
}
