package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"
)

const (
	dialTimeout      = 2 * time.Second // of one address
	handshakeTimeout = 5 * time.Second
)

// dialer makes connections to a host.
type dialer struct {
	host, port string
	address    string // of both, when the host is an IP address
	lookup     func(ctx context.Context, network, host string) ([]netip.Addr, error)
	connect    func(ctx context.Context, address string) (net.Conn, error)
	tls        *tls.Config // nil in clear text
	observe    func()
	// takeRoom is asked for room for a dial beside another one for the same connection, giveRoom gets it back.
	takeRoom func() bool
	giveRoom func()
}

func newDialer(s Settings) *dialer {
	// No keep-alive probes: they cost four system calls a connection and would find a dead one after 150 s. By then idleTimeout has
	// closed an idle connection, and a call that waits for its answer has ended at its deadline.
	plain := &net.Dialer{KeepAlive: -1}
	d := &dialer{
		host: s.URL.Hostname(), port: portOf(s.URL), lookup: net.DefaultResolver.LookupNetIP, observe: s.ObserveConnection,
		takeRoom: func() bool { return true }, giveRoom: func() {},
		connect: func(ctx context.Context, address string) (net.Conn, error) {
			return plain.DialContext(&until{ctx, time.Now().Add(dialTimeout)}, "tcp", address)
		},
	}
	if _, err := netip.ParseAddr(d.host); err == nil {
		d.address = net.JoinHostPort(d.host, d.port)
	}
	if d.observe == nil {
		d.observe = func() {}
	}
	if s.URL.Scheme == "https" {
		d.tls = &tls.Config{ServerName: d.host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
		if s.Protocol == HTTP1 {
			d.tls.NextProtos = []string{"http/1.1"}
		}
		if s.Certificate != nil {
			d.tls.Certificates = []tls.Certificate{*s.Certificate}
		}
	}
	return d
}

// until is a context with a deadline that only the socket keeps: net waits for its connection no longer. It is not done then, and needs
// no timer. A third of what a dial left behind was for that. The context must be one that can be done: net keeps no deadline otherwise.
type until struct {
	context.Context //nolint:containedctx // it is one

	deadline time.Time
}

func (u *until) Deadline() (deadline time.Time, ok bool) { return u.deadline, true }

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// dial makes a connection. number says at which of the host's addresses it starts.
func (d *dialer) dial(ctx context.Context, number int) (net.Conn, error) {
	socket, err := d.reach(ctx, number)
	if err != nil {
		return nil, err
	}
	d.observe()
	if d.tls == nil {
		return socket, nil
	}
	return d.shakeHands(ctx, socket)
}

// reach connects to the host.
func (d *dialer) reach(ctx context.Context, number int) (net.Conn, error) {
	if d.address != "" {
		return d.connect(ctx, d.address)
	}
	return d.race(ctx, number)
}

// shakeHands makes a TLS connection of a socket.
func (d *dialer) shakeHands(ctx context.Context, socket net.Conn) (net.Conn, error) {
	resetOnClose(socket, true) // crypto/tls closes it when the time is over
	defer resetOnClose(socket, false)
	secure := tls.Client(socket, d.tls)
	shaking, stop := context.WithTimeout(ctx, handshakeTimeout)
	defer stop()
	if err := secure.HandshakeContext(shaking); err != nil {
		cut(socket)
		if shaking.Err() != nil {
			return nil, fmt.Errorf("TLS handshake timeout: %w", err)
		}
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secure, nil
}
