package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
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
	r := &race{ctx: ctx, dialer: d, number: number, families: d.families(ctx), connected: make(chan connected), next: time.NewTimer(connectTimeout)}
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
			for i, a := range addresses {
				addresses[i] = a.Unmap() // net has IPv4 addresses of /etc/hosts as IPv6
			}
			found <- family{addresses, err}
		}()
	}
	return found
}

// connected is what a dial to one address has ended with.
type connected struct {
	number int // of the dial
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
	dials     []context.CancelFunc // one for each address so far, nil when it has ended
	running   int
	beside    int  // of those that run: they have taken room
	due       bool // the time for another address has come, and there was none
	resolve   error
	failed    error // to connect
}

func (r *race) run() (net.Conn, error) {
	for {
		select {
		case f := <-r.families:
			r.learn(f)
		case <-r.next.C:
			r.dial()
		case c := <-r.connected:
			if c.err == nil {
				r.running--
				go r.closeOthers()
				return c.socket, nil
			}
			r.end(c)
			if r.failed == nil || errors.Is(c.err, syscall.ECONNREFUSED) { // somebody answered
				r.failed = c.err
			}
			r.dial()
		case <-r.ctx.Done():
			go r.closeOthers()
			return nil, r.late()
		}
		if r.answered == 2 && r.running == 0 && len(r.dials) == len(r.addresses) {
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
	case len(r.dials) == 0 && r.answered < 2:
		if len(r.addresses) > 0 {
			r.next.Reset(resolutionDelay)
		}
	case r.running == 0 || r.due:
		r.dial()
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

// dial starts to connect to the next address. Where there is no room for it beside others, the oldest of these ends first.
func (r *race) dial() {
	if r.due = len(r.dials) == len(r.addresses); r.due {
		return
	}
	if r.running > 0 {
		if !r.dialer.takeRoom() {
			r.stopOldest()
			return
		}
		r.beside++
	}
	number := len(r.dials)
	if number == 0 {
		r.order()
	}
	address := net.JoinHostPort(r.addresses[number].String(), r.dialer.port)
	ctx, stop := context.WithCancel(r.ctx)
	r.dials = append(r.dials, stop)
	r.running++
	go func() {
		socket, err := r.dialer.connect(ctx, address)
		r.connected <- connected{number, socket, err}
	}()
	r.next.Reset(attemptDelay)
}

// stopOldest stops the dial that has run longest. The next one begins when it has ended.
func (r *race) stopOldest() {
	for _, stop := range r.dials {
		if stop != nil {
			stop()
			return
		}
	}
}

// end notes that a dial has ended which is not the winner.
func (r *race) end(c connected) {
	r.dials[c.number]()
	r.dials[c.number] = nil
	r.running--
	if r.beside > 0 {
		r.beside--
		r.dialer.giveRoom()
	}
}

// closeOthers waits for the dials that have lost.
func (r *race) closeOthers() {
	for range r.running {
		c := <-r.connected
		if c.err == nil {
			cut(c.socket)
		}
		r.end(c)
	}
}

// err is why no address was reached.
func (r *race) err() error {
	if r.failed != nil {
		return r.failed
	}
	return r.resolve
}

// late is why no address was reached in time.
func (r *race) late() error {
	switch {
	case r.failed != nil:
		return r.failed
	case len(r.addresses) == 0:
		return &net.DNSError{Err: r.ctx.Err().Error(), Name: r.dialer.host, IsTimeout: true}
	}
	return &net.OpError{Op: "dial", Net: "tcp", Err: r.ctx.Err()}
}
