//go:build unix

package transport

import (
	"net"
	"syscall"
)

// look finds out whether anything has come on an idle socket: an end, or bytes that nobody asked for. It does not block.
type look struct {
	raw  syscall.RawConn // nil when the socket cannot be looked at
	peek func(fd uintptr) bool
	byte [1]byte
	none bool // nothing has come
}

func newLook(socket net.Conn) *look {
	l := &look{}
	if s, ok := socket.(syscall.Conn); ok {
		l.raw, _ = s.SyscallConn() // nil when it fails
	}
	l.peek = func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), l.byte[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		l.none = err == syscall.EAGAIN
		return true
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
