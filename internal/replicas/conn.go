package replicas

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// dial connects and logs in. Nothing takes longer than commandTimeout.
func (u URL) dial() (redis.Conn, error) {
	e := u.parsed
	return redis.Dial(e.network, e.addr, redis.DialNetDial(e.connect), redis.DialReadTimeout(commandTimeout), redis.DialWriteTimeout(commandTimeout),
		redis.DialUsername(e.username), redis.DialPassword(e.password), redis.DialDatabase(e.database))
}

// connect connects, by TLS where the URL says so.
func (e *endpoint) connect(network, addr string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: commandTimeout}
	dial := plain.Dial
	if e.secure {
		dial = (&tls.Dialer{NetDialer: plain, Config: &tls.Config{MinVersion: tls.VersionTLS12}}).Dial
	}
	conn, err := dial(network, addr)
	if err != nil {
		return nil, err
	}
	return &bounded{Conn: conn, lineBegins: true}, nil
}

// bounded is a connection that fails when an answer says that it is larger than any of Redis' here. redigo makes room for that at once,
// and what is no Redis may say anything.
type bounded struct {
	net.Conn

	lineBegins bool
	inSize     bool
	digits     int // of the size that is being read
}

// mostDigits are those of the size of an answer, in bytes or parts.
const mostDigits = 4

var errSize = errors.New("the answer is too large")

// Read is part of net.Conn.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	for _, char := range p[:n] {
		switch {
		case b.lineBegins && (char == '$' || char == '*'):
			b.inSize, b.digits = true, 0
		case b.inSize && char >= '0' && char <= '9':
			if b.digits++; b.digits > mostDigits {
				return 0, errSize
			}
		default:
			b.inSize = false
		}
		b.lineBegins = char == '\n'
	}
	return n, err
}

// mostShown is how much of an error is shown, in bytes: the log drops lines that are too long.
const mostShown = 200

// mask is an error that can be shown: without the password, which a server that is no Redis may send back, and of one short line.
func (u URL) mask(err error) error {
	if err == nil {
		return nil
	}
	shown := err.Error()
	if password := u.parsed.password; password != "" {
		shown = strings.ReplaceAll(shown, password, "***")
	}
	if len(shown) > mostShown {
		shown = strings.ToValidUTF8(shown[:mostShown], "") + "..."
	}
	switch {
	case shown == err.Error():
		return err
	case isRefusal(err):
		return redis.Error(shown)
	}
	return errors.New(shown)
}
