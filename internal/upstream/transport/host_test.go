package transport

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"hedgerow/test/pause"
)

// host is a host whose resolver and whose addresses behave as a test says.
type host struct {
	resolver map[string]resolution // by network
	refuse   map[string]time.Duration
	answer   map[string]time.Duration // every other address is a black hole
	stubborn bool                     // a dial does not end with its context

	mu      sync.Mutex
	dialled []string
	at      []time.Duration
	running int // dials
	most    int // of them at a time
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
	if pause.For(ctx, r.after) != nil {
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
	h.running++
	h.most = max(h.most, h.running)
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.running--
	}()
	after, well := h.answer[ip]
	if !well {
		after = time.Hour
	}
	refused, no := h.refuse[ip]
	if no {
		after = refused
	}
	if h.stubborn {
		ctx = context.WithoutCancel(ctx)
	}
	if err := pause.For(ctx, min(after, dialTimeout)); err != nil {
		return nil, &net.OpError{Op: "dial", Err: err}
	}
	if after >= dialTimeout {
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
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
