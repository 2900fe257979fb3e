package file

import (
	"net/url"
	"strconv"
	"strings"
)

// baseURL reads an API's URL. What it complains of does not show it: a bad URL may have a password in it.
func baseURL(d *decoder, n node) (URL, bool) {
	if !d.is(n, scalar, "a URL like https://api.example.org/v1") {
		return URL{}, false
	}
	u, err := url.Parse(n.text.Value())
	problem := ""
	switch {
	case err != nil || strings.TrimSpace(n.text.Value()) != n.text.Value():
		problem = "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		problem = "is neither http nor https"
	case u.User != nil:
		problem = "has a user or password, which belong into an Authorization header under set"
	case u.Hostname() == "":
		problem = "has no host"
	case u.Port() != "" && !validPort(u.Port()):
		problem = "has no port from 1 to 65535"
	case u.RawQuery != "" || u.ForceQuery:
		problem = "has a query, but the caller's query goes there"
	case strings.Contains(n.text.Value(), "#"):
		problem = "has a fragment, which is never sent"
	}
	if problem != "" {
		d.problem(n, problem+": expected one like https://api.example.org/v1")
		return URL{}, false
	}
	return URL{Text: n.text, parsed: &u}, true
}

func validPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// Host is the URL's host, and the port if it names one. When a secret stands there, it is the whole URL as it was written.
func (u URL) Host() (shown string, secret bool) {
	host := (*u.parsed).Host
	_, rest, _ := strings.Cut(u.written, "://")
	if written, _, _ := strings.Cut(rest, "/"); written == host {
		return host, false
	}
	return u.written, true
}
