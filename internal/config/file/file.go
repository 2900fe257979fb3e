// Package file reads the file that names the APIs. What it hands out is complete and typed, and nothing has to be checked again.
// Secrets in it show themselves as they were written.
package file

import (
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"hedgerow/internal/hedge"
	"hedgerow/internal/quota"
	"hedgerow/internal/rule"
)

// File is the file of APIs.
type File struct {
	APIs []API // in the order of the file, at least one
}

// Names returns the names of the APIs, in the order of the file.
func (f *File) Names() []string {
	names := make([]string, len(f.APIs))
	for i := range f.APIs {
		names[i] = f.APIs[i].Name
	}
	return names
}

// LongestTimeout is the largest timeout that a call may ask for.
func (f *File) LongestTimeout() (longest time.Duration) {
	f.each(func(s *Settings) { longest = max(longest, s.MaxTimeout) })
	return longest
}

// LargestBodies are the most bytes that the body of a request and that of an answer may have.
func (f *File) LargestBodies() (request, answer int64) {
	f.each(func(s *Settings) { request, answer = max(request, s.MaxRequestBody), max(answer, s.MaxBody) })
	return request, answer
}

// each does something with the settings of each API and of each of its routes.
func (f *File) each(do func(*Settings)) {
	for i := range f.APIs {
		do(&f.APIs[i].Settings)
		for j := range f.APIs[i].Routes {
			do(&f.APIs[i].Routes[j].Settings)
		}
	}
}

// API is one API of the file.
type API struct {
	Name        string // letters, digits, "-", "_" and ".": one segment of a path
	URLs        []URL  // at least one; attempt n goes to URL n, round and round
	Spread      bool   // the first attempt goes round the URLs too
	Set         []Header
	Protocol    Protocol
	TLS         *TLS       // nil: the system's authorities, no client certificate
	MaxInFlight int        // attempts; 0: as many as the process may have
	Quota       quota.Rate // of requests
	Example     Text       // path and query, begins with "/"; empty: none
	Settings               // of every path that no route matches
	Routes      []Route    // in the order of the file
}

// Route is some of an API's paths.
type Route struct {
	Pattern string // of http.ServeMux, without a host; the patterns of an API can be registered together
	Settings
}

// Settings are what an API says of its calls, and what its routes may say otherwise.
type Settings struct {
	Timeout        time.Duration // of a call that does not choose; a whole number of milliseconds, up to MaxTimeout
	MaxTimeout     time.Duration // a whole number of milliseconds, up to 24 h
	Strategy       string        // one of the Reader's
	Attempts       int           // 1 to 100, at most MaxInFlight
	Hedge          Hedge
	Methods        []string // at least one
	Repeatable     bool     // POST and the like may be sent more than once
	IdempotencyKey bool     // those with an Idempotency-Key may
	Forward        Forward
	Remove         []string // headers of the API's answer, canonical
	Keep           []string // headers of the API's answer that are dropped otherwise, canonical
	Success        Success
	MaxRequestBody int64 // bytes
	MaxBody        int64 // bytes of an answer, unpacked
}

// Hedge says when further attempts are made.
type Hedge struct {
	hedge.Settings // how long smart waits for its first attempt

	Budget hedge.Budget // what each call that ends well adds to the API's; 0: its hedges take nothing of it
}

// Success says which answers are a success.
type Success struct {
	rule.Rule

	IfText Text // the condition as it was written; empty: none
}

// Header is a header that goes with every request. Its name is canonical, its value fit to be sent.
type Header struct {
	Name  string
	Value Text
}

// Protocol is how an API is spoken to.
type Protocol string

// The protocols.
const (
	Auto  Protocol = "auto"  // HTTP/2 where TLS offers it
	HTTP1 Protocol = "http1" // HTTP/1.1
	H2C   Protocol = "h2c"   // HTTP/2 in clear text, with prior knowledge
)

// URL is the base of an API: http or https, with a host, without query, fragment and user. It shows itself as it was written.
type URL struct {
	Text

	parsed **url.URL // not *url.URL, which fmt would print for a wrong verb
}

// Parsed is the URL with its secrets, and the caller's own.
func (u URL) Parsed() *url.URL {
	parsed := **u.parsed
	return &parsed
}

// Reader reads a file of APIs. Its fields are optional.
type Reader struct {
	Strategies []string                     // the first is the default: smart, first, all, within-timeout
	LookupEnv  func(string) (string, bool)  // os.LookupEnv
	ReadFile   func(string) ([]byte, error) // the first MiB and a byte of a file
	beside     string                       // the folder that relative paths start at
}

// Read reads the file at a path. The error is *Problems. Relative paths within the file start at its folder.
func (r Reader) Read(path string) (*File, error) {
	r = r.complete()
	data, err := r.ReadFile(path)
	if err != nil {
		problems := &Problems{File: path}
		problems.addf(position{}, "%s", absent(err))
		return nil, problems
	}
	return r.Parse(path, data)
}

// Parse parses the text of the file at a path, as Read does.
func (r Reader) Parse(path string, data []byte) (*File, error) {
	r = r.complete()
	r.beside = filepath.Dir(path)
	d := &decoder{Reader: &r, Problems: &Problems{File: path}}
	file := d.file(data)
	if err := d.err(); err != nil {
		return nil, err
	}
	return file, nil
}

func (r Reader) complete() Reader {
	if len(r.Strategies) == 0 {
		r.Strategies = []string{"smart", "first", "all", "within-timeout"}
	}
	if r.LookupEnv == nil {
		r.LookupEnv = os.LookupEnv
	}
	if r.ReadFile == nil {
		r.ReadFile = readStart
	}
	return r
}

func (r Reader) readBeside(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.beside, path)
	}
	return r.ReadFile(path)
}

// readStart reads as much of a file as shows that it is too large.
func readStart(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

func absent(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	return unreadable(err)
}

// Equal says whether two APIs say the same, secrets and certificates included: what was built for one does for the other.
func (a *API) Equal(b *API) bool { return reflect.DeepEqual(a.comparable(), b.comparable()) }

// comparable leaves out what has been made of the rest.
func (a *API) comparable() API {
	said := *a
	said.Success.If = nil
	said.Routes = slices.Clone(a.Routes)
	for i := range said.Routes {
		said.Routes[i].Success.If = nil
	}
	if t := a.TLS; t != nil {
		said.TLS = &TLS{CA: t.CA, Cert: t.Cert, Key: t.Key, digest: t.digest}
	}
	return said
}
