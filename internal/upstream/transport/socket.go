package transport

import (
	"crypto/tls"
	"net"
)

// socketOf is the socket below a connection.
func socketOf(c net.Conn) net.Conn {
	if secure, ok := c.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return c
}

// cut resets a connection at once.
func cut(c net.Conn) {
	socket := socketOf(c)
	resetOnClose(socket, true)
	_ = socket.Close()
}

// resetOnClose says whether a close resets a socket, by lingering for no time.
func resetOnClose(socket net.Conn, reset bool) {
	tcp, ok := socket.(*net.TCPConn)
	switch {
	case ok && reset:
		_ = tcp.SetLinger(0)
	case ok:
		_ = tcp.SetLinger(-1)
	}
}
