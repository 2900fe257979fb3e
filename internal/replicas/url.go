package replicas

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// URL is where Redis is, and how to log in there. It shows itself without user and password.
type URL struct{ parsed *endpoint }

type endpoint struct {
	network, addr      string
	secure             bool
	username, password string
	database           int
}

// defaultPort is Redis' own.
const defaultPort = "6379"

// errURL is all that is said of a URL that cannot be read: its password might be anywhere in it.
var errURL = errors.New("is not a URL like redis://user:password@host:6379/0, rediss://host (TLS) or unix:///run/redis.sock")

// ParseURL parses a URL of the scheme redis, rediss or unix. The error shows nothing of it.
func ParseURL(text string) (URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return URL{}, errURL
	}
	e := &endpoint{username: u.User.Username()}
	e.password, _ = u.User.Password()
	if e.username != "" && e.password == "" { // redigo would log in as nobody
		return URL{}, errURL
	}
	if !e.parseAddress(u) {
		return URL{}, errURL
	}
	return URL{e}, nil
}

// parseAddress sets where the server is. It is false when the URL does not say so.
func (e *endpoint) parseAddress(u *url.URL) bool {
	path := strings.TrimPrefix(u.Path, "/")
	switch {
	case u.Scheme == "unix" && u.Host == "" && path != "":
		e.network, e.addr = "unix", u.Path
		return true
	case (u.Scheme == "redis" || u.Scheme == "rediss") && u.Hostname() != "":
		e.secure = u.Scheme == "rediss"
		return e.parseTCP(u.Hostname(), orDefault(u.Port(), defaultPort), orDefault(path, "0"))
	}
	return false
}

// parseTCP sets what is special of a server that is reached by the network. It is false when port or database is not a number that these have.
func (e *endpoint) parseTCP(host, port, database string) bool {
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || p == 0 {
		return false
	}
	d, err := strconv.ParseUint(database, 10, 16)
	e.network, e.addr, e.database = "tcp", net.JoinHostPort(host, port), int(d)
	return err == nil
}

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// String is where Redis is: host and port, or the socket.
func (u URL) String() string { return u.parsed.addr }

// GoString is String: fmt would show all of it for %#v.
func (u URL) GoString() string { return u.String() }
