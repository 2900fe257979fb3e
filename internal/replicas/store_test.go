package replicas

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gomodule/redigo/redis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// storeAt returns the store of a URL.
func storeAt(t *testing.T, text string) *server {
	t.Helper()
	u, err := ParseURL(text)
	require.NoError(t, err)
	s := newServer(u)
	t.Cleanup(s.close)
	return s
}

// redisAt returns a Redis whose clock stands, and a store in it.
func redisAt(t *testing.T, now time.Time) (*miniredis.Miniredis, *server) {
	t.Helper()
	r := miniredis.RunT(t)
	r.SetTime(now)
	return r, storeAt(t, "redis://"+r.Addr())
}

var someday = time.Date(2030, 1, 2, 3, 4, 5, 678_901_000, time.UTC)

func TestRedisGrantsOneBurstAtOnceThenTurnsInOneLine(t *testing.T) {
	now := someday
	r, s := redisAt(t, now)
	o := order{every: 10 * ms, burst: 5}
	ask := func(firsts, more int, ahead time.Duration) grant {
		t.Helper()
		o.firsts, o.more, o.ahead = firsts, more, ahead
		g, err := s.take("a", o)
		require.NoError(t, err)
		return g
	}
	assert.Equal(t, grant{3, -40 * ms}, ask(1, 2, 0), "the fifth might be sent at once too")
	assert.Equal(t, grant{2, -10 * ms}, ask(0, 9, time.Second), "others are not granted for later")
	assert.Equal(t, grant{0, 10 * ms}, ask(0, 1, time.Second))
	assert.Equal(t, grant{0, 10 * ms}, ask(1, 0, 9*ms), "its turn comes too late")
	assert.Equal(t, grant{3, 10 * ms}, ask(4, 9, 30*ms), "at 10, 20 and 30 ms")
	assert.Equal(t, grant{0, 40 * ms}, ask(0, 0, 0))
	r.SetTime(now.Add(35 * ms))
	assert.Equal(t, grant{1, 5 * ms}, ask(1, 0, time.Hour))
	r.SetTime(now.Add(time.Hour))
	r.FastForward(time.Hour)
	assert.Empty(t, r.Keys(), "nothing is left behind by a quota that nobody uses")
	assert.Equal(t, grant{5, -40 * ms}, ask(9, 9, 0))
	g, err := s.take("b", o)
	require.NoError(t, err)
	assert.Equal(t, 5, g.granted, "each API has its own")
}

func TestTheScriptDoesWhatTheStoreOfTheTestsDoes(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	below := func(limit time.Duration) time.Duration { // Redis' clock has microseconds
		return time.Duration(random.Int64N(int64(limit))).Truncate(time.Microsecond)
	}
	for _, every := range []time.Duration{time.Microsecond, 10 * ms, 333 * ms, 2 * time.Minute} {
		now := someday
		r, s := redisAt(t, now)
		m := newMemory()
		m.delay, m.now = 0, func() time.Time { return now }
		for i := range 300 {
			o := order{
				every: every, burst: 1 + random.IntN(20), firsts: random.IntN(6), more: random.IntN(6),
				ahead: below(10 * every),
			}
			got, err := s.take("a", o)
			require.NoError(t, err)
			want, err := m.take("a", o)
			require.NoError(t, err)
			require.Equal(t, want.granted, got.granted, "order %d: %+v", i, o)
			require.Equal(t, want.turn, got.turn, "order %d: %+v", i, o)
			now = now.Add(below(5 * every))
			r.SetTime(now)
		}
	}
}

func TestRedisCountsTheReplicasThatLive(t *testing.T) {
	r, s := redisAt(t, someday)
	count := func(name string, want int) {
		t.Helper()
		replicas, err := s.beat(name)
		require.NoError(t, err)
		assert.Equal(t, want, replicas)
	}
	count("a", 1)
	count("a", 1)
	count("b", 2)
	r.SetTime(someday.Add(lifetime - time.Second))
	count("c", 3)
	require.NoError(t, s.leave("c"))
	count("b", 2)
	r.SetTime(someday.Add(lifetime + time.Second))
	count("b", 1)
	r.FastForward(2 * lifetime)
	assert.Empty(t, r.Keys())
}

func TestWhatIsWrongWithRedisIsAnErrorThatShowsNoPassword(t *testing.T) {
	full := miniredis.RunT(t)
	full.SetError("OOM command not allowed when used memory > 'maxmemory'.")
	locked := miniredis.RunT(t)
	locked.RequireUserAuth("me", "other")
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	closed := miniredis.RunT(t)
	gone := closed.Addr()
	closed.Close()
	for name, test := range map[string]struct{ addr, want string }{
		"full":           {full.Addr(), "OOM command not allowed"},
		"wrong password": {locked.Addr(), "WRONGPASS"},
		"no Redis":       {strings.TrimPrefix(web.URL, "http://"), ""},
		"gone":           {gone, "connection refused"},
	} {
		s := storeAt(t, fmt.Sprintf("redis://me:hunter2@%s/3", test.addr))
		_, beat := s.beat("a")
		_, take := s.take("a", order{every: ms, burst: 1, more: 1})
		for _, err := range []error{beat, take} {
			require.ErrorContains(t, err, test.want, name)
			assert.NotContains(t, err.Error(), "hunter2", name)
		}
	}
}

func TestAnEchoOfThePasswordIsMasked(t *testing.T) {
	u, err := ParseURL("redis://:hunter2@h")
	require.NoError(t, err)
	for _, err := range []error{errors.New("unknown command AUTH hunter2"), redis.Error("unknown command AUTH hunter2")} {
		masked := u.mask(err)
		require.EqualError(t, masked, "unknown command AUTH ***")
		assert.Equal(t, isRefusal(err), isRefusal(masked))
	}
	assert.NoError(t, u.mask(nil))
}

// answering is the address of a server that gives every command the same answer.
func answering(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<10))
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

func TestAnAnswerOfASizeThatNoneHasIsAnError(t *testing.T) {
	for _, answer := range []string{"$10000\r\n", "*10000\r\n", "*1\r\n$1000000000000\r\n", "$9223372036854775807\r\n"} {
		_, err := storeAt(t, "redis://"+answering(t, answer)).beat("a")
		require.ErrorIs(t, err, errSize, answer)
	}
	for _, answer := range []string{":1234567890\r\n", "$10\r\n1234567890\r\n", "+$12345\r\n"} {
		_, err := storeAt(t, "redis://"+answering(t, answer)).beat("a")
		assert.NotErrorIs(t, err, errSize, answer)
	}
}

func TestALongErrorIsCut(t *testing.T) {
	_, err := storeAt(t, "redis://"+answering(t, "-ERR "+strings.Repeat("x", 1<<20)+"\r\n")).beat("a")
	require.EqualError(t, err, "ERR "+strings.Repeat("x", mostShown-4)+"...")
	assert.True(t, isRefusal(err))
}

func TestTheCertificateOfRedisIsVerified(t *testing.T) {
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	_, err := storeAt(t, strings.Replace(web.URL, "https", "rediss", 1)).beat("a")
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
}

func TestAConnectionThatWasIdleForAWhileIsTriedBeforeItIsUsed(t *testing.T) {
	r := miniredis.RunT(t)
	conn := storeAt(t, "redis://"+r.Addr()).pool.Get()
	defer func() { _ = conn.Close() }()
	idle := time.Now().Add(-beatEvery)
	require.NoError(t, test(conn, idle))
	r.Close()
	require.NoError(t, test(conn, time.Now()), "it costs an exchange, which busy connections are spared")
	require.Error(t, test(conn, idle))
}

func TestUserPasswordAndDatabaseOfTheURLAreUsed(t *testing.T) {
	r := miniredis.RunT(t)
	r.RequireUserAuth("me", "hunter2")
	s := storeAt(t, "redis://me:hunter2@"+r.Addr()+"/3")
	_, err := s.beat("a")
	require.NoError(t, err)
	assert.Equal(t, []string{replicasKey}, r.DB(3).Keys())
}
