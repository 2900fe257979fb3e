package instrument

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Sample is one call as its caller saw it.
type Sample struct {
	Took   time.Duration
	Status int
}

// ClosedLoop keeps n connections to addr busy for warmUp and then for d. Each makes one GET of path after the other. It returns the
// calls that began after the warm-up and before the end, and the number of calls that broke at any time. A call breaks without an
// answer, or with one that is not HTTP/1.1 with a Content-Length.
//
// The connections begin one after the other over the first third of the warm-up. Otherwise calls that take the same time, such as
// those that end at their deadline, would stay in step, and each would wait for all others.
//
// addr is an IPv4 address with a port. ClosedLoop panics on any other.
func ClosedLoop(addr, path string, n int, warmUp, d time.Duration) (calls []Sample, broken int) {
	target := netip.MustParseAddrPort(addr)
	l := &load{
		target: &unix.SockaddrInet4{Addr: target.Addr().As4(), Port: int(target.Port())},
		text:   fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, addr),
		left:   n, done: make(chan struct{}),
	}
	events().do(func() {
		l.begin = time.Now().Add(warmUp)
		l.end = l.begin.Add(d)
		for i := range n {
			c := &caller{load: l, fd: -1}
			events().after(warmUp/3*time.Duration(i)/time.Duration(n), c.call)
		}
	})
	<-l.done
	return l.calls, l.broken
}

// load is one closed loop.
type load struct {
	target     *unix.SockaddrInet4
	text       []byte // of a call
	begin, end time.Time
	left       int // callers that have not ended yet
	done       chan struct{}

	calls  []Sample
	broken int
}

// caller is one of its connections.
type caller struct {
	load   *load
	fd     int // -1 without a connection
	start  time.Time
	answer []byte // so far
}

// call begins the next call, or ends the caller.
func (c *caller) call() {
	c.start = time.Now()
	if c.start.After(c.load.end) {
		c.hangUp()
		if c.load.left--; c.load.left == 0 {
			close(c.load.done)
		}
		return
	}
	if c.fd < 0 {
		if err := c.dial(); err != nil {
			c.fail()
			return
		}
		c.start = time.Now()
	}
	if _, err := unix.Write(c.fd, c.load.text); err != nil {
		c.fail()
	}
}

// dial connects within a second. On the loopback interface it does so at once.
func (c *caller) dial() (err error) {
	c.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return err
	}
	err = unix.Connect(c.fd, c.load.target)
	for err == unix.EINTR { // a signal of Go's scheduler; the next call waits on
		err = unix.Connect(c.fd, c.load.target)
	}
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(c.fd, true); err != nil {
		return err
	}
	return events().add(c.fd, c)
}

// fail counts a broken call, and goes on with a new connection.
func (c *caller) fail() {
	c.hangUp()
	c.load.broken++
	events().after(10*time.Millisecond, c.call)
}

func (c *caller) hangUp() {
	if c.fd >= 0 {
		events().close(c.fd)
		c.fd = -1
	}
	c.answer = c.answer[:0]
}

func (c *caller) ready() {
	text, ok := events().read(c.fd)
	if !ok {
		c.fail()
		return
	}
	c.answer = append(c.answer, text...)
	status, complete, err := parse(c.answer)
	switch {
	case err != nil:
		c.fail()
	case complete:
		if c.start.After(c.load.begin) {
			c.load.calls = append(c.load.calls, Sample{time.Since(c.start), status})
		}
		c.answer = c.answer[:0]
		c.call()
	}
}

// parse reads the status of an answer that may not be complete yet.
func parse(answer []byte) (status int, complete bool, err error) {
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !ok {
		return 0, false, nil
	}
	const version, length = "HTTP/1.1 ", "\r\nContent-Length: "
	if len(head) < len(version)+3 {
		return 0, false, strconv.ErrSyntax
	}
	if status, err = strconv.Atoi(string(head[len(version) : len(version)+3])); err != nil {
		return 0, false, err
	}
	_, rest, _ := bytes.Cut(head, []byte(length))
	digits, _, _ := bytes.Cut(rest, []byte("\r\n"))
	n, err := strconv.Atoi(string(digits))
	return status, len(body) >= n, err
}
