package file

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"hedgerow/internal/quota"
)

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
		"quota":         value(func(w *draft) *quota.Rate { return &w.Quota }, quota.ParseRate),
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
	if !isTarget(n.text.Value()) {
		d.problem(n, quote(n.text.String())+" is not a path: expected one that begins with /, like /latest?base=EUR, in ASCII and without .. in it")
		return
	}
	into.Example = n.text
}

// isTarget says whether /proxy takes a path and query behind the name of an API.
func isTarget(text string) bool {
	path, query, _ := strings.Cut(text, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil || !strings.HasPrefix(path, "/") {
		return false
	}
	inPath := func(c rune) bool {
		return c < 0x7f && (isToken(string(c)) && c != '#' && c != '^' && c != '`' || strings.ContainsRune("/%:@;=,()[]|", c))
	}
	inQuery := func(c rune) bool { return c > ' ' && c < 0x7f && c != '#' }
	unlike := func(is func(rune) bool) func(rune) bool { return func(c rune) bool { return !is(c) } }
	return !strings.ContainsFunc(path, unlike(inPath)) && !strings.ContainsFunc(query, unlike(inQuery)) && !strings.ContainsFunc(decoded, refused) &&
		!slices.ContainsFunc(strings.Split(decoded, "/"), dots)
}

// refused are what no path may have, however it is encoded.
func refused(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }

// dots says whether a segment is a dot segment, with parameters or without.
func dots(segment string) bool {
	segment, _, _ = strings.Cut(segment, ";")
	return segment == "." || segment == ".."
}
