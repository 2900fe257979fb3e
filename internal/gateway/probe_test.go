package gateway_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/file"
	"hedgerow/internal/fanout"
)

// putLast makes the calls after which the first URL is tried last, and returns when it was put there.
func (m *mirrors) putLast(t *testing.T) time.Time {
	t.Helper()
	m.asks(t, 4, 0, 1)
	began := time.Now()
	m.asks(t, 1, 0, 1)
	return began.Add(10 * ms) // when its fifth attempt had failed
}

func TestOneCallInThirtySecondsTriesALastURLInItsUsualPlace(t *testing.T) {
	for path, want := range map[string][]int{"/one": {0}, "/two": {0, 1}} {
		synctest.Test(t, func(t *testing.T) {
			m := atMirrors(t, two+", routes: {/one: {attempts: 1}}", fails, well, well)
			last := m.putLast(t)
			for range 3 { // it fails each time, and stays last for another 30 s
				last = last.Add(30 * time.Second)
				time.Sleep(time.Until(last) - grace - tick - 10*ms - 1)
				assert.Equal(t, []int{1}, m.askFor(t, "GET", path), "a moment before")
				time.Sleep(time.Until(last))
				require.Equal(t, want, m.askFor(t, "GET", path))
				assert.Equal(t, []int{1}, m.askFor(t, "GET", path), "only one call does")
			}
			m.steps[0] = well
			time.Sleep(time.Until(last.Add(30 * time.Second)))
			for range 3 {
				assert.Equal(t, []int{0}, m.askFor(t, "GET", path), "it has answered the first")
			}
			m.Close()
		})
	}
}

func TestOthersDoNotWaitWhereOneCallProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two, fails, well, well)
		m.putLast(t)
		m.steps[0] = silent
		time.Sleep(30 * time.Second)
		m.sent = nil
		var calls sync.WaitGroup
		for range 64 {
			calls.Go(func() {
				_, err := m.call(t, "a", "GET", "/x")
				assert.NoError(t, err)
			})
		}
		calls.Wait()
		assert.Len(t, slices.DeleteFunc(m.order(), func(url int) bool { return url != 0 }), 1)
		m.Close()
	})
}

func TestACallThatDoesNotComeToTheURLLeavesTheProbeToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two+", routes: {/all: {strategy: all, attempts: 3}}", well, fails, well)
		for range 5 {
			_ = m.askFor(t, "GET", "/all")
		}
		time.Sleep(30 * time.Second)
		m.asks(t, 3, 0)
		m.steps[0] = fails
		m.asks(t, 1, 0, 1)
		m.asks(t, 1, 0, 2)
		m.Close()
	})
}

func TestARequestThatIsMadeOnceProbesOnlyWhenNobodyElseDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two+", methods: [GET, POST]", fails, well, well)
		last := m.putLast(t)
		time.Sleep(time.Until(last.Add(30 * time.Second)))
		assert.Equal(t, []int{1}, m.askFor(t, "POST", "/x"))
		m.asks(t, 1, 0, 1)
		probed := time.Now().Add(-310 * ms)
		time.Sleep(time.Until(probed.Add(59 * time.Second)))
		assert.Equal(t, []int{1}, m.askFor(t, "POST", "/x"))
		time.Sleep(time.Until(probed.Add(61 * time.Second)))
		assert.Equal(t, []int{0}, m.askFor(t, "POST", "/x"))
		m.Close()
	})
}

func TestWithSpreadTheURLsThatAreWellHaveTheirTurnsAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, "attempts: 3, strategy: first, spread: true", fails, well, well)
		firsts := map[int]int{}
		for range 5 {
			_ = m.ask(t)
		}
		for range 20 {
			order := m.ask(t)
			require.Equal(t, 0, order[2])
			firsts[order[0]]++
		}
		assert.Equal(t, map[int]int{1: 10, 2: 10}, firsts)
		m.Close()
	})
}

func TestWithSpreadAndOneAttemptALastURLIsProbedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, "attempts: 1, spread: true", well, fails, well)
		for range 15 {
			_ = m.ask(t)
		}
		asked := map[int]int{}
		for range 20 {
			asked[m.ask(t)[0]]++
		}
		assert.Equal(t, map[int]int{0: 10, 2: 10}, asked)
		time.Sleep(30 * time.Second)
		m.asks(t, 1, 1)
		assert.NotEqual(t, []int{1}, m.ask(t))
		m.Close()
	})
}

func TestACallInFlightKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, "attempts: 3, timeout: 10s, hedge: {delay: 3s, budget: off}", fails, well, well)
		slow := []step{{after: 5 * time.Second, err: fails.err}, silent, {after: time.Second, status: 200}}
		play := m.play
		m.play = func(made sending) step {
			if made.request.Header.Get("Accept") == "slow" {
				return slow[made.number]
			}
			return play(made)
		}
		m.asks(t, 4, 0, 1, 2)
		var call sync.WaitGroup
		call.Go(func() {
			result, err := m.call(t, "a", "GET", "/x", "Accept", "slow")
			if assert.NoError(t, err) {
				assert.Equal(t, 2, result.Values[0].URL, "its third attempt went to the third URL")
			}
		})
		synctest.Wait()
		_ = m.ask(t)
		m.asks(t, 1, 1) // the first is last now
		call.Wait()
		m.Close()
	})
}

func TestPushbackHoldsForTheURLThatAskedInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two, fails, well, well)
		m.putLast(t)
		m.steps = []step{fails, fails, asks("7")}
		m.asks(t, 1, 1, 2)
		result, err := m.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []string{"internal error", "pushback"}, reasons(result))
		for range 20 { // an attempt that is refused is no failure of its URL
			_, _ = m.call(t, "a", "GET", "/x")
		}
		m.steps = []step{fails, well, well}
		m.asks(t, 1, 1)
		m.steps = []step{fails, fails, well}
		time.Sleep(7 * time.Second)
		m.asks(t, 1, 1, 2)
		m.Close()
	})
}

func TestAnUnchangedAPIKeepsTheOrderOfItsURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, two, fails, well, well)
		m.putLast(t)
		m.Swap(append(parse(t, mirrored(two)), parse(t, "apis: {b: {url: 'http://h'}}")...))
		m.asks(t, 1, 1)
		m.Swap(parse(t, mirrored(three)))
		m.follow("a", m.script)
		m.asks(t, 1, 0, 1, 2) // another API knows nothing yet
		m.Close()
	})
}

func TestWhateverFailsEachURLIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atMirrors(t, "strategy: within-timeout, spread: true", well, well, well)
		random := rand.New(rand.NewPCG(1, 2))
		moved := 0
		for range 3000 {
			if random.IntN(8) == 0 {
				m.steps[random.IntN(3)] = []step{well, fails, silent}[random.IntN(3)]
			}
			order := m.ask(t)
			if (order[0]+1)%3 != order[1] {
				moved++
			}
			require.ElementsMatch(t, []int{0, 1, 2}, order)
		}
		assert.Positive(t, moved)
		m.Close()
	})
}

// atSecretMirrors returns a gateway to the API "a" at two URLs, the first of which has a secret in its host, "s3cret".
func atSecretMirrors(t *testing.T, steps ...step) *mirrors {
	t.Helper()
	m := atMirrors(t, two, steps...)
	lookUp := func(string) (string, bool) { return "s3cret", true }
	f, err := file.Reader{LookupEnv: lookUp}.Parse("apis.yaml", []byte("apis: {a: {urls: ['http://${SHARD}.h', 'http://h2:81'], "+two+"}}"))
	require.NoError(t, err)
	m.Swap(f.APIs)
	m.follow("a", m.script)
	return m
}

func TestTheLogSaysWhenAURLIsPutLastAndWhenItIsBackAndNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atSecretMirrors(t, fails, well)
		m.asks(t, 5, 0, 1)
		for range 30 { // it comes and goes
			m.steps = []step{well, fails}
			_ = m.ask(t)
			m.steps = []step{fails, well}
			for range 5 {
				_ = m.ask(t)
			}
		}
		lines := m.log.Lines("api", "a")
		require.Len(t, lines, 4, "told again after 30 s")
		for i, want := range []string{"WARN", "INFO", "WARN", "INFO"} {
			assert.Equal(t, want, lines[i]["level"])
			assert.EqualValues(t, 1, lines[i]["url"])
			assert.Equal(t, "http://${SHARD}.h", lines[i]["host"])
		}
		assert.NotContains(t, m.log.String(), "s3cret")
		m.Close()
	})
}
