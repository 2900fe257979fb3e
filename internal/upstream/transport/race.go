package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	connectTimeout = 10 * time.Second // of the resolver and all addresses
	// Of RFC 8305, section 8: how long the first family of addresses waits for the other, and a dial for the next.
	resolutionDelay = 50 * time.Millisecond
	attemptDelay    = 300 * time.Millisecond // "Connection Attempt Delay", 250 ms there
)

// race connects to the host's addresses in turn, each a while after the one before, or when that has failed (RFC 8305). The first
// connection counts.
func (d *dialer) race(ctx context.Context, number int) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	r := &race{ctx: ctx, dialer: d, number: number, families: d.families(ctx), connected: make(chan connected), next: time.NewTimer(0)}
	r.next.Stop()
	return r.run()
}

// family is what the resolver says of the host's addresses of a kind.
type family struct {
	addresses []netip.Addr
	err       error
}

// families asks for the addresses of both kinds at once, so that one that is slow or fails does not hold up the other.
func (d *dialer) families(ctx context.Context) <-chan family {
	found := make(chan family, 2)
	for _, network := range []string{"ip6", "ip4"} {
		go func() {
			addresses, err := d.lookup(ctx, network, d.host)
			found <- family{addresses, err}
		}()
	}
	return found
}

// connected is what a dial to one address has ended with.
type connected struct {
	socket net.Conn
	err    error
}

// race is one dial to a host of several addresses.
type race struct {
	ctx       context.Context
	dialer    *dialer
	number    int
	families  <-chan family
	connected chan connected
	next      *time.Timer // when the next address is dialled

	answered  int // families
	addresses []netip.Addr
	dialled   int // of addresses, so far
	running   int // dials
	resolve   error
	refused   error
}

func (r *race) run() (net.Conn, error) {
	for {
		select {
		case f := <-r.families:
			r.learn(f)
		case <-r.next.C:
			r.dial()
		case c := <-r.connected:
			r.running--
			if c.err == nil {
				go r.closeOthers()
				return c.socket, nil
			}
			r.refused = c.err
			r.next.Reset(0)
		case <-r.ctx.Done():
			go r.closeOthers()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: r.ctx.Err()}
		}
		if r.answered == 2 && r.running == 0 && r.dialled == len(r.addresses) {
			return nil, r.err()
		}
	}
}

// learn takes in what the resolver has said of a family.
func (r *race) learn(f family) {
	r.answered++
	if f.err != nil {
		if dns, ok := errors.AsType[*net.DNSError](f.err); r.resolve == nil || !ok || !dns.IsNotFound {
			r.resolve = f.err // the resolver's own trouble says more than that it has no address
		}
	}
	r.addresses = append(r.addresses, f.addresses...)
	switch {
	case r.dialled == 0 && r.answered == 2:
		r.order()
		r.next.Reset(0)
	case r.dialled == 0 && len(r.addresses) > 0:
		r.next.Reset(resolutionDelay)
	case r.running == 0:
		r.next.Reset(0)
	}
}

// order lets the families take turns, IPv6 first, and begins with the address of the attempt's number.
func (r *race) order() {
	slices.SortStableFunc(r.addresses, func(a, b netip.Addr) int { return b.BitLen() - a.BitLen() })
	six := slices.IndexFunc(r.addresses, netip.Addr.Is4)
	if six > 0 {
		r.addresses = interleave(r.addresses[:six], r.addresses[six:])
	}
	if n := len(r.addresses); n > 0 {
		r.addresses = slices.Concat(r.addresses[r.number%n:], r.addresses[:r.number%n])
	}
}

func interleave(a, b []netip.Addr) []netip.Addr {
	mixed := make([]netip.Addr, 0, len(a)+len(b))
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			mixed = append(mixed, a[i])
		}
		if i < len(b) {
			mixed = append(mixed, b[i])
		}
	}
	return mixed
}

// dial starts to connect to the next address.
func (r *race) dial() {
	if r.dialled == len(r.addresses) {
		return
	}
	address := net.JoinHostPort(r.addresses[r.dialled].String(), r.dialer.port)
	r.dialled++
	r.running++
	go func() {
		socket, err := r.dialer.connect(r.ctx, address)
		r.connected <- connected{socket, err}
	}()
	r.next.Reset(attemptDelay)
}

// closeOthers waits for the dials that have lost.
func (r *race) closeOthers() {
	for range r.running {
		if c := <-r.connected; c.err == nil {
			cut(c.socket)
		}
	}
}

// err is why no address was reached.
func (r *race) err() error {
	if r.refused != nil {
		return r.refused
	}
	return r.resolve
}
