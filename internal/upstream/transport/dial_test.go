package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errNotFound = &net.DNSError{Err: "no such host", IsNotFound: true}

// host is a host whose resolver and whose addresses behave as a test says.
type host struct {
	resolver map[string]resolution // by network
	refuse   map[string]time.Duration
	answer   map[string]time.Duration // every other address is a black hole

	mu      sync.Mutex
	dialled []string
	at      []time.Duration
	closed  int
	began   time.Time
}

// resolution is what a resolver says of a family, after a while.
type resolution struct {
	after     time.Duration
	addresses []string
	err       error
}

func (*host) url() *url.URL { return &url.URL{Scheme: "http", Host: "api.example:81"} }

func (h *host) dialer(t *testing.T) *dialer {
	t.Helper()
	d := newDialer(Settings{URL: h.url()})
	d.lookup, d.connect = h.lookup, h.connect
	h.began = time.Now()
	return d
}

func (h *host) lookup(ctx context.Context, network, name string) ([]netip.Addr, error) {
	r := h.resolver[network]
	select {
	case <-time.After(r.after):
	case <-ctx.Done():
		return nil, &net.DNSError{Err: "i/o timeout", Name: name, IsTimeout: true}
	}
	var found []netip.Addr
	for _, a := range r.addresses {
		found = append(found, netip.MustParseAddr(a))
	}
	return found, r.err
}

func (h *host) connect(ctx context.Context, address string) (net.Conn, error) {
	ip, _, _ := net.SplitHostPort(address)
	h.mu.Lock()
	h.dialled = append(h.dialled, ip)
	h.at = append(h.at, time.Since(h.began))
	h.mu.Unlock()
	after, well := h.answer[ip]
	if !well {
		after = time.Hour
	}
	refused, no := h.refuse[ip]
	if no {
		after = refused
	}
	select {
	case <-time.After(after):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if no {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	end, _ := net.Pipe()
	return &counted{end, h}, nil
}

type counted struct {
	net.Conn

	host *host
}

func (c *counted) Close() error {
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	c.host.closed++
	return c.Conn.Close()
}

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
		"the first is well":       {&host{resolver: v4("1.0.0.1", "1.0.0.2"), answer: map[string]time.Duration{"1.0.0.1": 9 * ms}}, 0, []string{"1.0.0.1"}, []time.Duration{0}, 9 * ms},
		"the first drops SYNs":    {&host{resolver: v4("1.0.0.1", "1.0.0.2"), answer: map[string]time.Duration{"1.0.0.2": 9 * ms}}, 0, []string{"1.0.0.1", "1.0.0.2"}, []time.Duration{0, 300 * ms}, 309 * ms},
		"two drop SYNs":           {&host{resolver: v4("1.0.0.1", "1.0.0.2", "1.0.0.3"), answer: map[string]time.Duration{"1.0.0.3": 0}}, 0, []string{"1.0.0.1", "1.0.0.2", "1.0.0.3"}, []time.Duration{0, 300 * ms, 600 * ms}, 600 * ms},
		"the first refuses":       {&host{resolver: v4("1.0.0.1", "1.0.0.2"), refuse: map[string]time.Duration{"1.0.0.1": 5 * ms}, answer: map[string]time.Duration{"1.0.0.2": 0}}, 0, []string{"1.0.0.1", "1.0.0.2"}, []time.Duration{0, 5 * ms}, 5 * ms},
		"the first is slow":       {&host{resolver: v4("1.0.0.1", "1.0.0.2"), answer: map[string]time.Duration{"1.0.0.1": 400 * ms, "1.0.0.2": 400 * ms}}, 0, []string{"1.0.0.1", "1.0.0.2"}, []time.Duration{0, 300 * ms}, 400 * ms},
		"another attempt":         {&host{resolver: v4("1.0.0.1", "1.0.0.2", "1.0.0.3"), answer: map[string]time.Duration{"1.0.0.2": 0}}, 4, []string{"1.0.0.2"}, []time.Duration{0}, 0},
		"both families":           {&host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1", "1.0.0.2"}}, "ip6": {addresses: []string{"1::1", "1::2"}}}, answer: map[string]time.Duration{"1.0.0.2": 0}}, 0, []string{"1::1", "1.0.0.1", "1::2", "1.0.0.2"}, []time.Duration{0, 300 * ms, 600 * ms, 900 * ms}, 900 * ms},
		"a family that is silent": {&host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1"}}, "ip6": {after: time.Hour}}, answer: map[string]time.Duration{"1.0.0.1": 0}}, 0, []string{"1.0.0.1"}, []time.Duration{50 * ms}, 50 * ms},
		"a family that fails":     {&host{resolver: map[string]resolution{"ip4": {after: 9 * ms, addresses: []string{"1.0.0.1"}}, "ip6": {err: &net.DNSError{Err: "server misbehaving"}}}, answer: map[string]time.Duration{"1.0.0.1": 0}}, 0, []string{"1.0.0.1"}, []time.Duration{9 * ms}, 9 * ms},
		"a family that is late":   {&host{resolver: map[string]resolution{"ip4": {addresses: []string{"1.0.0.1"}}, "ip6": {after: 900 * ms, addresses: []string{"1::1"}}}, refuse: map[string]time.Duration{"1.0.0.1": 0}, answer: map[string]time.Duration{"1::1": 0}}, 0, []string{"1.0.0.1", "1::1"}, []time.Duration{50 * ms, 900 * ms}, 900 * ms},
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
	for name, resolver := range map[string]map[string]resolution{
		"a silent resolver": {"ip4": {after: time.Hour}, "ip6": {after: time.Hour}},
		"black holes":       {"ip4": {addresses: []string{"1.0.0.1", "1.0.0.2"}}, "ip6": {addresses: []string{"1::1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &host{resolver: resolver}
				_, err := h.dialer(t).dial(t.Context(), 0)
				require.Error(t, err)
				assert.Equal(t, connectTimeout, time.Since(h.began))
				time.Sleep(time.Second)
				synctest.Wait()
				assert.Zero(t, h.closed)
			})
		})
	}
}
