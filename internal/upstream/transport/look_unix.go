//go:build unix

package transport

import (
	"net"
	"syscall"
)

// look finds out whether anything has come on a socket that nobody reads: an end, or bytes that nobody asked for. It does not block.
type look struct {
	raw  syscall.RawConn // nil when the socket cannot be looked at
	peek func(fd uintptr) bool
	byte [1]byte
	none bool  // nothing has come
	err  error // the socket's, which the look has taken from it

	// Of ask:
	question func(fd uintptr) bool
	asked    bool
	message  []byte
	written  int
	trip     *trip

	// Of wait:
	arrival func(fd uintptr) bool
	waited  bool
}

func newLook(socket net.Conn) *look {
	l := &look{}
	if s, ok := socket.(syscall.Conn); ok {
		l.raw, _ = s.SyscallConn() // nil when it fails
	}
	l.peek = func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), l.byte[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		l.none = err == syscall.EAGAIN
		if l.err = err; l.none {
			l.err = nil
		}
		return true
	}
	l.arrival = func(fd uintptr) bool {
		if l.waited {
			return true
		}
		l.waited = true
		return l.peek(fd) && !l.none
	}
	l.question = func(fd uintptr) bool {
		if l.asked || l.peek(fd) && !l.none {
			return true
		}
		l.asked = true
		n, err := syscall.Write(int(fd), l.message)
		if err != nil {
			return true // whoever writes the rest gets the error too
		}
		if l.written = n; n < len(l.message) {
			return true
		}
		l.trip.wrote()
		return false // until the socket has something to read
	}
	return l
}

// silent tells whether nothing has come.
func (l *look) silent() bool {
	if l.raw == nil {
		return true
	}
	l.none = false
	return l.raw.Read(l.peek) == nil && l.none
}

// ask is silent, but it also writes a request when nothing has come, and waits until something has. written is less than the message when
// the socket cannot be written to like that, or not now; then it does not wait. A read in its place would be in vain at first: no answer
// is there when its request has just been written. The look must come after RawConn.Read has begun, which would otherwise forget an end
// that has come since.
func (l *look) ask(t *trip, message []byte) (written int, silent bool) {
	if l.raw == nil {
		return 0, true
	}
	l.none, l.asked, l.message, l.written, l.trip = false, false, message, 0, t
	_ = l.raw.Read(l.question) // when it fails so does the read that follows
	l.message, l.trip = nil, nil
	return l.written, l.none
}

// wait waits until something has come. The error is the socket's: a read after the look would not get it again.
func (l *look) wait() error {
	if l.raw == nil {
		return nil
	}
	l.waited = false
	if err := l.raw.Read(l.arrival); err != nil {
		return err
	}
	return l.err
}
