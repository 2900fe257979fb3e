package file

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// TLS says how the API and this client show who they are. Its paths are as they were written.
type TLS struct {
	CA, Cert, Key Text

	Roots       *x509.CertPool   `json:"-"` // of CA; nil: the system's
	Certificate *tls.Certificate `json:"-"` // of Cert and Key; nil: none
	digest      [sha256.Size]byte
}

var fileKeys = keys[reading]{
	"defaults": nothingYet, // it is read before, for the APIs that stand above it too
	"apis":     apis,
}

// reading is the file while it is read.
type reading struct {
	File

	defaults draft
}

func nothingYet(*decoder, node, *reading) {}

// file reads the whole file.
func (d *decoder) file(data []byte) *File {
	root, ok := d.tree(data)
	if !ok {
		return nil
	}
	r := reading{defaults: newDraft()}
	for _, e := range root.entries {
		if e.key == "defaults" {
			defaultsKeys.read(d, d.without(e.value, apiKeys, defaultsKeys, "belongs to each API: defaults cannot have it"), &r.defaults)
			settled := r.defaults
			settled.settle(d, d.Strategies)
		}
	}
	fileKeys.read(d, root, &r)
	if root.kind == mapping && !slices.ContainsFunc(root.entries, func(e entry) bool { return e.key == "apis" }) {
		d.addf(root.at, "there is no apis: expected a map of the APIs by their names")
	}
	return &r.File
}

func apis(d *decoder, n node, into *reading) {
	if !d.is(n, mapping, "a map of the APIs by their names") {
		return
	}
	if len(n.entries) == 0 {
		d.problem(n, "is empty: expected at least one API")
	}
	for _, e := range n.entries {
		if !isName(e.key) {
			d.addf(e.at, "%s is not a name for an API: expected letters, digits, -, _ and .", quote(e.key))
		}
		if api, ok := d.api(e, into.defaults.next()); ok {
			into.APIs = append(into.APIs, api)
		}
	}
}

func isName(text string) bool {
	for i := range len(text) {
		if c := text[i]; c == '/' || c == '%' || !isToken(text[i:i+1]) || strings.ContainsRune("!#$&'*+^`|~", rune(c)) {
			return false
		}
	}
	return strings.Trim(text, ".") != "" // neither empty nor a dot segment
}

// api reads one API.
func (d *decoder) api(e entry, w draft) (API, bool) {
	w.Name = e.key
	if !d.is(e.value, mapping, "a map with url and settings") {
		return API{}, false
	}
	apiKeys.read(d, e.value, &w)
	settled := w
	settled.settle(d, d.Strategies)
	var routes node
	has := map[string]node{}
	for _, e := range e.value.entries {
		has[e.key] = e.value
		if e.key == "routes" {
			routes = e.value
		}
	}
	_, one := has["url"]
	several, many := has["urls"]
	switch {
	case one && many:
		d.problem(several, "is beside url: expected one of the two")
	case !one && !many:
		d.addf(e.at, "%s has no url: expected url, or urls for a list of mirrors", quote(e.key))
	}
	d.fits(&settled.API, has)
	settled.Routes = d.routes(routes, w)
	return settled.API, true
}

// fits tells what an API's URLs and how they are spoken to say against each other.
func (d *decoder) fits(a *API, has map[string]node) {
	secure := func(u URL) bool { return u.Parsed().Scheme == "https" }
	if n, ok := has["protocol"]; ok && a.Protocol == H2C && slices.ContainsFunc(a.URLs, secure) {
		d.problem(n, "h2c is HTTP/2 in clear text: expected a URL of the scheme http, or protocol: auto")
	}
	if n, ok := has["tls"]; ok && len(a.URLs) > 0 && !slices.ContainsFunc(a.URLs, secure) {
		d.problem(n, "is for https: expected a URL of that scheme")
	}
}

// defaultsKeys and apiKeys are what defaults: and an API may say.
var defaultsKeys, apiKeys = func() (keys[draft], keys[draft]) {
	common := keys[draft]{
		"spread":        value(func(w *draft) *bool { return &w.Spread }, boolean),
		"set":           setHeaders,
		"protocol":      value(func(w *draft) *Protocol { return &w.Protocol }, choice(Auto, HTTP1, H2C)),
		"tls":           tlsFiles,
		"max_in_flight": fitting("max_in_flight", value(func(w *draft) *int { return &w.MaxInFlight }, number(maxInFlight))),
		"quota":         later[draft],
	}
	maps.Copy(common, settingsKeys)
	all := keys[draft]{
		"url":     oneURL,
		"urls":    severalURLs,
		"example": example,
		"routes":  func(*decoder, node, *draft) {}, // read when everything else is known
	}
	maps.Copy(all, common)
	return common, all
}()

func oneURL(d *decoder, n node, into *draft) {
	if u, ok := baseURL(d, n); ok {
		into.URLs = []URL{u}
	}
}

func severalURLs(d *decoder, n node, into *draft) {
	if !d.is(n, list, "a list of URLs") {
		return
	}
	if len(n.items) == 0 {
		d.problem(n, "is an empty list: expected at least one URL")
	}
	into.URLs = nil
	for _, item := range n.items {
		if u, ok := baseURL(d, item); ok {
			into.URLs = append(into.URLs, u)
		}
	}
}

func example(d *decoder, n node, into *draft) {
	if !d.is(n, scalar, "a path and query like /latest?base=EUR") {
		return
	}
	text := n.text.Value()
	u, err := url.ParseRequestURI(text)
	visible := !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '#' || c == '\\' })
	if !strings.HasPrefix(text, "/") || err != nil || !visible || dotted(u) {
		d.problem(n, quote(n.text.String())+" is not a path: expected one that begins with /, like /latest?base=EUR, in ASCII and without .. in it")
		return
	}
	into.Example = n.text
}

func dotted(u *url.URL) bool {
	return slices.ContainsFunc(strings.Split(u.Path, "/"), func(segment string) bool {
		segment, _, _ = strings.Cut(segment, ";")
		return segment == "." || segment == ".."
	})
}

var tlsKeys = keys[tlsDraft]{
	"ca":   tlsFile(func(t *tlsDraft) *pem { return &t.ca }),
	"cert": tlsFile(func(t *tlsDraft) *pem { return &t.cert }),
	"key":  tlsFile(func(t *tlsDraft) *pem { return &t.key }),
}

type tlsDraft struct{ ca, cert, key pem }

// pem is a file that tls names.
type pem struct {
	node node
	data []byte
}

func tlsFile(field func(*tlsDraft) *pem) setter[tlsDraft] {
	return func(d *decoder, n node, into *tlsDraft) {
		if !d.is(n, scalar, "a path like ca.pem") {
			return
		}
		data, err := d.readBeside(n.text.Value())
		if err == nil && len(data) == 0 {
			err = errors.New("it is empty")
		}
		if err != nil {
			d.problem(n, fmt.Sprintf("%s %s", quote(n.text.String()), unreadable(err)))
			return
		}
		*field(into) = pem{n, data}
	}
}

func tlsFiles(d *decoder, n node, into *draft) {
	var files tlsDraft
	before := len(d.List)
	tlsKeys.read(d, n, &files)
	unread := slices.ContainsFunc(n.entries, func(e entry) bool { return e.value.kind == broken })
	if n.kind != mapping || unread || len(d.List) > before {
		return
	}
	t := &TLS{CA: files.ca.node.text, Cert: files.cert.node.text, Key: files.key.node.text}
	var parts []byte
	for _, file := range []pem{files.ca, files.cert, files.key} {
		part := sha256.Sum256(file.data)
		parts = append(parts, part[:]...)
	}
	t.digest = sha256.Sum256(parts)
	if files.ca.data != nil {
		t.Roots = x509.NewCertPool()
		if !t.Roots.AppendCertsFromPEM(files.ca.data) {
			d.problem(files.ca.node, quote(t.CA.String())+" has no certificate in it: expected one in PEM")
		}
	}
	switch {
	case (files.cert.data == nil) != (files.key.data == nil):
		d.problem(n, "has one of cert and key: expected both or neither")
	case files.cert.data != nil:
		certificate, err := tls.X509KeyPair(files.cert.data, files.key.data)
		if err != nil { // which may say something about the key
			d.problem(files.cert.node, quote(t.Cert.String())+" and its key do not fit together: expected a certificate and its key in PEM")
		}
		t.Certificate = &certificate
	}
	into.TLS = t
}
