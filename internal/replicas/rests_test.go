package replicas

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gomodule/redigo/redis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// heard are the rests that a replica was told of.
type heard struct {
	mu    sync.Mutex
	rests []Rest
}

func (h *heard) heed(r Rest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rests = append(h.rests, r)
}

// taken returns them, and forgets them.
func (h *heard) taken() []Rest {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.rests = nil }()
	return slices.Clone(h.rests)
}

// amongThree runs a test with three replicas, and what each has heard.
func amongThree(t *testing.T, test func(m *memory, all []replica, heards []*heard)) {
	t.Helper()
	in(t, 3, "100/s", func(_ *testing.T, m *memory, all []replica) {
		heards := []*heard{{}, {}, {}}
		for i, r := range all {
			r.Heed(heards[i].heed)
		}
		time.Sleep(10 * ms)
		test(m, all, heards)
	})
}

func TestTheTimeThatAnAPIAsksOneReplicaForIsToldToTheOthers(t *testing.T) {
	amongThree(t, func(_ *memory, all []replica, heards []*heard) {
		rest := Rest{API: "a", URL: 2, For: 7 * time.Second}
		all[1].Tell(rest)
		time.Sleep(ms)
		synctest.Wait()
		assert.Equal(t, []Rest{rest}, heards[0].taken())
		assert.Empty(t, heards[1].taken(), "it knows")
		assert.Equal(t, []Rest{rest}, heards[2].taken())
	})
}

func TestWhatAnAPISaysAgainIsNotToldAgain(t *testing.T) {
	amongThree(t, func(_ *memory, all []replica, heards []*heard) {
		for range 100 {
			all[0].Tell(Rest{API: "a", For: time.Second})
			time.Sleep(9 * ms)
		}
		synctest.Wait()
		assert.Len(t, heards[1].taken(), 9, "each tenth of a second, every twelfth time")
		all[0].Tell(Rest{API: "a", URL: 1, For: time.Second})
		all[0].Tell(Rest{API: "b", For: time.Second})
		time.Sleep(ms)
		synctest.Wait()
		assert.Len(t, heards[1].taken(), 2, "another URL and another API")
	})
}

func TestWithoutRedisNobodyIsToldAndNobodyWaits(t *testing.T) {
	amongThree(t, func(m *memory, all []replica, heards []*heard) {
		m.set(func(m *memory) { m.delay = time.Hour })
		time.Sleep(2 * beatEvery)
		began := time.Now()
		for i := range 10 * mostUntold {
			all[0].Tell(Rest{API: "a", URL: i, For: time.Second})
		}
		assert.Zero(t, time.Since(began))
		time.Sleep(beatEvery)
		m.set(func(m *memory) { m.delay = 0 })
		time.Sleep(2 * beatEvery)
		assert.Empty(t, heards[1].taken(), "it is over by now")
		all[0].Tell(Rest{API: "a", URL: 0, For: 9 * time.Second})
		time.Sleep(ms)
		synctest.Wait()
		assert.Len(t, heards[1].taken(), 1)
	})
}

func TestARedisThatPassesNothingOnIsToldOnce(t *testing.T) {
	for name, mute := range map[string]error{"refuses": redis.Error("NOPERM no channel"), "is gone": errGone} {
		t.Run(name, func(t *testing.T) {
			in(t, 1, "100/s", func(t *testing.T, m *memory, all []replica) {
				m.set(func(m *memory) { m.mute = mute })
				all[0].Heed(func(Rest) {})
				for i := range 10 {
					all[0].Tell(Rest{API: "a", URL: i, For: time.Second})
					time.Sleep(beatEvery)
				}
				told := all[0].log.Lines("msg", "Redis does not pass on the time that APIs ask for: each replica heeds what it is asked itself")
				if !isRefusal(mute) {
					assert.Empty(t, told, "a sign of life has to tell")
					return
				}
				require.Len(t, told, 1)
				assert.Equal(t, mute.Error(), told[0]["error"])
			})
		})
	}
}

func TestWhatIsNotARestIsIgnored(t *testing.T) {
	l := &Link{name: "me"}
	for text, want := range map[string]Rest{
		"you 1 250 a b": {API: "a b", URL: 1, For: 250 * ms}, "you -1 1 a": {API: "a", URL: -1, For: ms},
		"me 1 250 a": {}, "": {}, "you 1 250": {}, "you x 250 a": {}, "you 1 x a": {}, "you 1 -250 a": {}, "you 1 99999999999 a": {},
	} {
		r, ok := l.read(text)
		assert.Equal(t, want != Rest{}, ok, text)
		if ok {
			assert.Equal(t, want, r)
		}
	}
	r, ok := (&Link{name: "you"}).read(l.write(Rest{API: "a", URL: 3, For: 1500 * ms}))
	assert.True(t, ok)
	assert.Equal(t, Rest{API: "a", URL: 3, For: 1500 * ms}, r)
}

func TestRedisPassesOnWhatIsPublishedInTheSameDatabaseAndAfterAnEndToo(t *testing.T) {
	r := miniredis.RunT(t)
	one, other := storeAt(t, "redis://"+r.Addr()+"/1"), storeAt(t, "redis://"+r.Addr()+"/2")
	for range 2 {
		texts, ended := make(chan string, 9), make(chan error, 1)
		go func() { ended <- one.listen(t.Context(), func(text string) { texts <- text }) }()
		require.Eventually(t, func() bool { return r.PubSubNumSub(one.channel)[one.channel] == 1 }, 10*time.Second, ms)
		for _, said := range []struct {
			store *server
			text  string
		}{{other, "of another database"}, {one, "x y"}} { // a kept connection has ended with the Redis before
			require.Eventually(t, func() bool { return said.store.publish(said.text) == nil }, 10*time.Second, ms)
		}
		assert.Equal(t, "x y", <-texts)
		r.Close()
		require.Error(t, <-ended)
		require.NoError(t, r.Restart())
	}
}
