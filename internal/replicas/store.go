package replicas

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"
)

// store is Redis as far as replicas need it. Its errors show no password.
type store interface {
	// beat says that a replica lives, and returns how many do.
	beat(name string) (replicas int, err error)
	// leave says that a replica has ended.
	leave(name string) error
	// take takes requests of a quota.
	take(key string, o order) (grant, error)
	// publish sends a text to whoever listens.
	publish(text string) error
	// listen gives heard each text that is published, until ctx is done or the connection has ended.
	listen(ctx context.Context, heard func(text string)) error
	close()
}

// order is what a replica asks of a quota.
type order struct {
	every  time.Duration // between two requests
	burst  int           // how many Redis lets go at once
	firsts int           // requests whose turn may come later,
	ahead  time.Duration // by so much at most
	more   int           // requests that are taken only if they may be sent now
}

// grant is the answer to an order.
type grant struct {
	granted int           // the firsts before the others
	turn    time.Duration // from the answer to the turn of the first of them; below 0 when that might have come before
}

// The scripts run in Redis, each as a whole and by Redis' clock, so that the clocks of replicas do not matter.
var (
	//go:embed take.lua
	takeSource string
	//go:embed beat.lua
	beatSource string

	takeScript, beatScript = redis.NewScript(1, takeSource), redis.NewScript(1, beatSource)
)

// The keys. Those of quotas have the API's name behind them.
const (
	replicasKey = "hedgerow:replicas"
	quotaKey    = "hedgerow:quota:"
	// restsChannel has the number of the database behind it: all databases of a Redis have the same channels.
	restsChannel = "hedgerow:rests:"
)

// isRefusal tells whether an error is Redis' own answer, so that it is there.
func isRefusal(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

// server is a Redis server.
type server struct {
	pool    *redis.Pool
	mask    func(error) error
	channel string
}

func newServer(u URL) *server {
	return &server{
		pool: &redis.Pool{Dial: u.dial, MaxIdle: maxIdle, IdleTimeout: idleTimeout, TestOnBorrow: test}, mask: u.mask,
		channel: restsChannel + strconv.Itoa(u.parsed.database),
	}
}

// test asks on a connection that has been idle for a while whether it still stands: Redis may have closed it.
func test(conn redis.Conn, idleSince time.Time) error {
	if time.Since(idleSince) < beatEvery {
		return nil
	}
	_, err := conn.Do("PING")
	return err
}

// What is kept of connections that nobody uses.
const (
	maxIdle     = 8
	idleTimeout = time.Minute
)

var errAnswer = errors.New("the answer is not that of the script")

func (s *server) beat(name string) (int, error) {
	conn := s.pool.Get()
	defer conn.Close() //nolint:errcheck // what it says has been said
	replicas, err := redis.Int(beatScript.Do(conn, replicasKey, name, int(lifetime.Seconds())))
	return replicas, s.mask(err)
}

func (s *server) leave(name string) error {
	conn := s.pool.Get()
	defer conn.Close() //nolint:errcheck // what it says has been said
	_, err := conn.Do("ZREM", replicasKey, name)
	return s.mask(err)
}

func (s *server) take(key string, o order) (grant, error) {
	conn := s.pool.Get()
	defer conn.Close() //nolint:errcheck // what it says has been said
	every := float64(o.every) / float64(time.Microsecond)
	got, err := redis.Int64s(takeScript.Do(conn, quotaKey+key, every, o.burst, o.firsts, o.ahead.Microseconds(), o.more))
	if err == nil && len(got) != 2 { //nolint:mnd // how many the script returns
		err = errAnswer
	}
	if err != nil {
		return grant{}, s.mask(err)
	}
	return grant{granted: int(got[0]), turn: time.Duration(got[1]) * time.Microsecond}, nil
}

func (s *server) publish(text string) error {
	conn := s.pool.Get()
	defer conn.Close() //nolint:errcheck // what it says has been said
	_, err := conn.Do("PUBLISH", s.channel, text)
	return s.mask(err)
}

// listen sends a PING each second, so that a connection that is dead ends.
func (s *server) listen(ctx context.Context, heard func(text string)) error {
	conn, err := s.pool.Dial()
	if err != nil {
		return s.mask(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // which ends what is being received
	subscription := redis.PubSubConn{Conn: conn}
	if err := subscription.Subscribe(s.channel); err != nil {
		return s.mask(err)
	}
	go func() {
		for subscription.Ping("") == nil {
			select {
			case <-time.After(beatEvery):
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		switch message := subscription.ReceiveWithTimeout(lifetime).(type) {
		case redis.Message:
			heard(string(message.Data))
		case error:
			return s.mask(message)
		}
	}
}

func (s *server) close() { _ = s.pool.Close() }
