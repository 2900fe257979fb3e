package instrument

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// sendBuffer holds the largest answer, in bytes: an answer is written at one go.
const sendBuffer = 256 << 10

// Reply is what an upstream does with a request.
type Reply struct {
	// After is how long it waits first.
	After time.Duration
	// Text is the whole answer. nil: the connection is neither answered nor closed until the upstream stops, even when the client has
	// closed its side.
	Text []byte
	// Drip, when set, is the time between the single spaces that follow the text without end.
	Drip time.Duration
}

// Behaviour decides what happens to the n-th request, counted from 0. It must not block.
type Behaviour func(n int64) Reply

// Message is an answer with a status such as "200 OK", as the text of a Reply.
func Message(status, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// AnswerAfter is a healthy answer to every request after d.
func AnswerAfter(d time.Duration) Behaviour {
	reply := Reply{After: d, Text: Message("200 OK", fmt.Sprintf(`{"time": %d}`, d.Milliseconds()))}
	return func(int64) Reply { return reply }
}

// Never answers.
func Never(int64) Reply { return Reply{} }

var space = []byte(" ")

// Upstream is an upstream inside this process that counts its connections and requests.
type Upstream struct {
	addr     string
	file     *os.File // holds the listening socket open
	fd       int      // of it; -1 once it is closed
	behave   Behaviour
	conns    map[*served]struct{}
	requests atomic.Int64
	dialled  atomic.Int64
}

// StartUpstream listens on a free loopback port.
func StartUpstream(behave Behaviour) (*Upstream, error) {
	listener, err := (&net.ListenConfig{KeepAlive: -1}).Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return ServeUpstream(listener, behave)
}

// ServeUpstream takes over a TCP listener.
func ServeUpstream(listener net.Listener, behave Behaviour) (*Upstream, error) {
	// Go's own event loop would be woken by every connection.
	file, err := listener.(*net.TCPListener).File()
	addr := listener.Addr().String()
	if _ = listener.Close(); err != nil {
		return nil, err
	}
	u := &Upstream{addr: addr, file: file, fd: int(file.Fd()), behave: behave, conns: map[*served]struct{}{}}
	for _, set := range []func() error{
		func() error { return unix.SetNonblock(u.fd, true) },
		// Its connections inherit these.
		func() error { return unix.SetsockoptInt(u.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) },
		func() error { return unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer) },
	} {
		if err := set(); err != nil {
			return nil, err
		}
	}
	events().do(func() { err = events().add(u.fd, u) })
	return u, err
}

// Addr is host and port.
func (u *Upstream) Addr() string { return u.addr }

// URL is that of the API.
func (u *Upstream) URL() string { return "http://" + u.addr + "/" }

// Dialled is the number of connections that were made to it.
func (u *Upstream) Dialled() int64 { return u.dialled.Load() }

// Requests is the number of requests that it has been sent.
func (u *Upstream) Requests() int64 { return u.requests.Load() }

// Stop closes everything, once.
func (u *Upstream) Stop() {
	events().do(func() {
		if u.fd < 0 {
			return
		}
		delete(events().sources, int32(u.fd)) //nolint:gosec // a descriptor
		_ = u.file.Close()
		u.fd = -1
		for c := range u.conns {
			c.close()
		}
	})
}

// ready accepts connections.
func (u *Upstream) ready() {
	for {
		fd, _, err := unix.Accept4(u.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // nobody is there, or no longer
		}
		u.dialled.Add(1)
		c := &served{upstream: u, fd: fd}
		if err := events().add(fd, c); err != nil {
			_ = unix.Close(fd)
			continue
		}
		u.conns[c] = struct{}{}
	}
}

// served is a connection to the upstream.
type served struct {
	upstream *Upstream
	fd       int // -1 once it is closed
	head     []byte
	reply    Reply
	held     bool
}

func (c *served) ready() {
	text, ok := events().read(c.fd)
	switch {
	case !ok && c.held && !c.broken():
		events().brokenOnly(c.fd)
		return
	case !ok:
		c.close()
		return
	case c.held:
		return
	}
	c.head = append(c.head, text...)
	if !bytes.HasSuffix(c.head, []byte("\r\n\r\n")) {
		return
	}
	c.head = c.head[:0]
	c.reply = c.upstream.behave(c.upstream.requests.Add(1) - 1)
	switch {
	case c.reply.Text == nil:
		c.held = true
	case c.reply.After == 0:
		c.send()
	default:
		events().after(c.reply.After, c.send)
	}
}

// broken is true when the client has reset the connection, false when it has only closed its side.
func (c *served) broken() bool {
	info, err := unix.GetsockoptTCPInfo(c.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err != nil || info.State == unix.BPF_TCP_CLOSE
}

func (c *served) send() {
	c.write(c.reply.Text)
	if c.reply.Drip > 0 {
		c.held = true
		events().after(c.reply.Drip, c.drip)
	}
}

func (c *served) drip() {
	if c.write(space); c.fd >= 0 {
		events().after(c.reply.Drip, c.drip)
	}
}

func (c *served) write(text []byte) {
	if c.fd < 0 {
		return
	}
	if _, err := unix.Write(c.fd, text); err != nil {
		c.close()
	}
}

func (c *served) close() {
	if c.fd >= 0 {
		events().close(c.fd)
		c.fd = -1
		delete(c.upstream.conns, c)
	}
}
