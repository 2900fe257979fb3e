package live

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard keeps pages of other origins away, in two ways. A name that leads here by the will of its owner (DNS rebinding) would make the
// owner's page one of this origin, so the host of a request must be an address or a name that nobody else can own. And what the page asks
// for is for the page alone: a browser says where a request comes from.
type guard struct {
	// hostname is this machine's own, beside localhost.
	hostname string
}

// noOtherPage serves what no page of another origin may ask for.
func (g guard) noOtherPage(next http.HandlerFunc) http.HandlerFunc {
	return g.ownHost(func(w http.ResponseWriter, r *http.Request) {
		if !fromOwnPage(r) {
			http.Error(w, "this is not for pages of other origins", http.StatusForbidden)
			return
		}
		next(w, r)
	})
}

// ownHost serves requests that name an address, localhost or this machine's own name.
func (g guard) ownHost(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !g.isOwn(r.Host) {
			http.Error(w, "the page is shown by IP address, by localhost and by this machine's own name, and by no other: "+
				"a name that somebody else owns could let their pages read it", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

func (g guard) isOwn(host string) bool {
	name := host
	if without, _, err := net.SplitHostPort(host); err == nil {
		name = without
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return strings.EqualFold(name, "localhost") || g.hostname != "" && strings.EqualFold(name, g.hostname)
}

// fromOwnPage tells whether a request can be the page's: what a browser says of it, if anything, must be this origin. The scheme does not
// count, since something in front may have ended TLS.
func fromOwnPage(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}
