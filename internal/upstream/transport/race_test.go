package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errNotFound = &net.DNSError{Err: "no such host", IsNotFound: true}

const ms = time.Millisecond

func TestADialIsJoinedByTheNextAddressAfterAWhileOrWhenItFails(t *testing.T) {
	v4 := func(addresses ...string) map[string]resolution {
		return map[string]resolution{"ip4": {addresses: addresses}, "ip6": {err: errNotFound}}
	}
	for name, test := range map[string]struct {
		host    *host
		number  int
		dialled []string
		at      []time.Duration
		took    time.Duration
	}{
		"the first is well":                           {&host{resolver: v4("1.0.0.1", "1.0.0.2"), answer: map[string]time.Duration{"1.0.0.1": 9 * ms}}, 0, []string{"1.0.0.1"}, []time.Duration{0}, 9 * ms},
		"the first drops SYNs":                        {&host{resolver: v4("1.0.0.1", "1.0.0.2"), answer: map[string]time.Duration{"1.0.0.2": 9 * ms}}, 0, []string{"1.0.0.1", "1.0.0.2"}, []time.Duration{0, 300 * ms}, 309 * ms},
		"two drop SYNs":                               {&host{resolver: v4("1.0.0.1", "1.0.0.2", "1.0.0.3"), answer: map[string]time.Duration{"1.0.0.3": 0}}, 0, []string{"1.0.0.1", "1.0.0.2", "1.0.0.3"}, []time.Duration{0, 300 * ms, 600 * ms}, 600 * ms},
		"the first refuses":                           {&host{resolver: v4("1.0.0.1", "1.0.0.2"), refuse: map[string]time.Duration{"1.0.0.1": 5 * ms}, answer: map[string]time.Duration{"1.0.0.2": 0}}, 0, []string{"1.0.0.1", "1.0.0.2"}, []time.Duration{0, 5 * ms}, 5 * ms},
		"the first is slow":                           {&host{resolver: v4("1.0.0.1", "1.0.0.2"), answer: map[string]time.Duration{"1.0.0.1": 400 * ms, "1.0.0.2": 400 * ms}}, 0, []string{"1.0.0.1", "1.0.0.2"}, []time.Duration{0, 300 * ms}, 400 * ms},
		"another attempt":                             {&host{resolver: v4("1.0.0.1", "1.0.0.2", "1.0.0.3"), answer: map[string]time.Duration{"1.0.0.2": 0}}, 4, []string{"1.0.0.2"}, []time.Duration{0}, 0},
		"both families":                               {&host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1", "1.0.0.2"}}, "ip6": {addresses: []string{"1::1", "1::2"}}}, answer: map[string]time.Duration{"1.0.0.2": 0}}, 0, []string{"1::1", "1.0.0.1", "1::2", "1.0.0.2"}, []time.Duration{0, 300 * ms, 600 * ms, 900 * ms}, 900 * ms},
		"a family that is silent":                     {&host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1"}}, "ip6": {after: time.Hour}}, answer: map[string]time.Duration{"1.0.0.1": 0}}, 0, []string{"1.0.0.1"}, []time.Duration{50 * ms}, 50 * ms},
		"a family that fails":                         {&host{resolver: map[string]resolution{"ip4": {after: 9 * ms, addresses: []string{"1.0.0.1"}}, "ip6": {err: &net.DNSError{Err: "server misbehaving"}}}, answer: map[string]time.Duration{"1.0.0.1": 0}}, 0, []string{"1.0.0.1"}, []time.Duration{9 * ms}, 9 * ms},
		"a family that is late and then fails":        {&host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1", "1.0.0.2", "1.0.0.3"}}, "ip6": {after: 60 * ms, err: errNotFound}}, answer: map[string]time.Duration{"1.0.0.3": 0}}, 1, []string{"1.0.0.2", "1.0.0.3"}, []time.Duration{50 * ms, 350 * ms}, 350 * ms},
		"a family that comes while a dial is silent":  {&host{resolver: map[string]resolution{"ip6": {addresses: []string{"1::1"}}, "ip4": {after: 340 * ms, addresses: []string{"1.0.0.1"}}}, answer: map[string]time.Duration{"1.0.0.1": 0}}, 0, []string{"1::1", "1.0.0.1"}, []time.Duration{50 * ms, 350 * ms}, 350 * ms},
		"a family that comes when it has been silent": {&host{resolver: map[string]resolution{"ip6": {addresses: []string{"1::1"}}, "ip4": {after: 400 * ms, addresses: []string{"1.0.0.1"}}}, answer: map[string]time.Duration{"1.0.0.1": 0}}, 0, []string{"1::1", "1.0.0.1"}, []time.Duration{50 * ms, 400 * ms}, 400 * ms},
		"a family of a hosts file":                    {&host{resolver: map[string]resolution{"ip4": {addresses: []string{"::ffff:1.0.0.1", "::ffff:1.0.0.2"}}, "ip6": {after: ms, addresses: []string{"1::1", "1::2"}}}, answer: map[string]time.Duration{"1.0.0.2": 0}}, 0, []string{"1::1", "1.0.0.1", "1::2", "1.0.0.2"}, []time.Duration{ms, 301 * ms, 601 * ms, 901 * ms}, 901 * ms},
		"a family that is late":                       {&host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1"}}, "ip6": {after: 900 * ms, addresses: []string{"1::1"}}}, refuse: map[string]time.Duration{"1.0.0.1": 0}, answer: map[string]time.Duration{"1::1": 0}}, 0, []string{"1.0.0.1", "1::1"}, []time.Duration{50 * ms, 900 * ms}, 900 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := test.host
				socket, err := h.dialer(t).dial(t.Context(), test.number)
				require.NoError(t, err)
				synctest.Wait()
				assert.Equal(t, test.took, time.Since(h.began))
				assert.Equal(t, test.dialled, h.dialled)
				assert.Equal(t, test.at, h.at)
				time.Sleep(time.Minute)
				synctest.Wait()
				assert.Zero(t, h.closed, "neither the winner nor, since they were cut, the others")
				_ = socket.Close()
			})
		})
	}
}

func TestASocketThatIsConnectedTooLateIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{
			resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1", "1.0.0.2"}}, "ip6": {err: errNotFound}},
			answer:   map[string]time.Duration{"1.0.0.1": 400 * ms, "1.0.0.2": 0}, stubborn: true,
		}
		socket, err := h.dialer(t).dial(t.Context(), 0)
		require.NoError(t, err)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 1, h.closed)
		_ = socket.Close()
	})
}

func TestDialsBesideOthersKeepToTheLimitAndTakeTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{
			resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4"}}, "ip6": {err: errNotFound}},
			began:    time.Now(),
		}
		o := NewOrigin(Settings{URL: h.url(), MaxConnections: 3})
		o.dialer.lookup, o.dialer.connect = h.lookup, h.connect
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() { require.Error(t, ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{}).err) })
		}
		calls.Wait()
		assert.Equal(t, 3, h.most)
		slices.Sort(h.dialled)
		assert.Equal(t, []string{"1.0.0.1", "1.0.0.1", "1.0.0.2", "1.0.0.2", "1.0.0.3", "1.0.0.3", "1.0.0.4", "1.0.0.4"}, h.dialled)
		assert.Equal(t, 900*ms+dialTimeout, time.Since(h.began), "the last address is not stopped")
		synctest.Wait()
		assert.Zero(t, o.pool.open)
		o.Close()
	})
}

func TestADialSaysThatAnAddressRefusedWhateverTheOthersDid(t *testing.T) {
	for number := range 2 {
		for name, six := range map[string]resolution{
			"unreachable": {addresses: []string{"1::1"}}, "silent": {after: time.Hour},
		} {
			t.Run(fmt.Sprintf("%s, attempt %d", name, number), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := &host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1"}}, "ip6": six}, refuse: map[string]time.Duration{"1.0.0.1": 0}}
					d := h.dialer(t)
					d.connect = func(ctx context.Context, address string) (net.Conn, error) {
						if address == "[1::1]:81" {
							return nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
						}
						return h.connect(ctx, address)
					}
					_, err := d.dial(t.Context(), number)
					require.ErrorIs(t, err, syscall.ECONNREFUSED)
				})
			})
		}
	}
}

func TestTheErrorTellsAnUnknownHostFromAResolverThatFailsOrIsSilent(t *testing.T) {
	misbehaving := &net.DNSError{Err: "server misbehaving"}
	for name, test := range map[string]struct {
		resolver map[string]resolution
		notFound bool
		took     time.Duration
	}{
		"unknown":       {map[string]resolution{"ip4": {after: 2 * ms, err: errNotFound}, "ip6": {after: ms, err: errNotFound}}, true, 2 * ms},
		"fails":         {map[string]resolution{"ip4": {err: misbehaving}, "ip6": {err: misbehaving}}, false, 0},
		"fails for one": {map[string]resolution{"ip4": {after: ms, err: errNotFound}, "ip6": {err: misbehaving}}, false, ms},
		"and the other": {map[string]resolution{"ip4": {err: errNotFound}, "ip6": {after: ms, err: misbehaving}}, false, ms},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &host{resolver: test.resolver}
				_, err := h.dialer(t).dial(t.Context(), 0)
				dns, ok := errors.AsType[*net.DNSError](err)
				require.True(t, ok, err)
				assert.Equal(t, test.notFound, dns.IsNotFound)
				assert.Equal(t, test.took, time.Since(h.began))
			})
		})
	}
}

func TestADialEndsAfterTenSecondsWhateverTheResolverAndTheAddressesDo(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("1.0.0.%d", i)
	}
	for name, resolver := range map[string]map[string]resolution{
		"a silent resolver":               {"ip4": {after: time.Hour}, "ip6": {after: time.Hour}},
		"half of it silent, a black hole": {"ip4": {addresses: []string{"1.0.0.1"}}, "ip6": {after: time.Hour}},
		"many black holes":                {"ip4": {addresses: many}, "ip6": {err: errNotFound}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &host{resolver: resolver}
				_, err := h.dialer(t).dial(t.Context(), 0)
				dns, unresolved := errors.AsType[*net.DNSError](err)
				assert.Equal(t, name == "a silent resolver", unresolved, err)
				if unresolved {
					assert.True(t, dns.IsTimeout)
				} else {
					operation, ok := errors.AsType[*net.OpError](err)
					assert.True(t, ok && operation.Op == "dial", err)
				}
				assert.Equal(t, connectTimeout, time.Since(h.began))
				time.Sleep(time.Second)
				synctest.Wait()
				assert.Zero(t, h.closed)
			})
		})
	}
}
