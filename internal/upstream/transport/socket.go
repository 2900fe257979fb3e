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
	if tcp, ok := socket.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = socket.Close()
}
