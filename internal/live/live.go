// Package live shows the last calls as they run. It holds a bounded history of them, and makes the page of the admin address that follows
// it.
package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"text/template"
	"time"

	"hedgerow/internal/fanout"
)

// Settings of the page.
type Settings struct {
	// Hostname is this machine's name, and tells which replica it is. Version is the build's.
	Hostname, Version string
	// ConsolePort is where the console is, on the host by which the page is reached.
	ConsolePort int
	// APIs returns what is known of each API. It is called every two seconds, on the goroutine of Run.
	APIs func() []API
	// Configuration returns the settings in words, with the secrets as they were written. It is called at any time from any goroutine.
	Configuration func() string
	// Words is a reason in words for people, empty for no reason.
	Words func(fanout.Reason) string
}

// Page is the live page, and the history that it shows. It is safe for concurrent use.
type Page struct {
	settings Settings
	history  *History
	figures  *figures
	readers  chan struct{} // has a slot for each stream
	about    []byte        // what does not change, as JSON
	guard    guard
	mux      *http.ServeMux
}

// New returns a page that has seen no call.
func New(s Settings) *Page {
	p := &Page{settings: s, figures: newFigures(s.APIs, s.Words), readers: make(chan struct{}, mostReaders), guard: guard{s.Hostname}, mux: http.NewServeMux()}
	p.history = newHistory(s.Words, p.figures.isSlow)
	about, err := json.Marshal(map[string]any{
		"host": s.Hostname, "version": s.Version, "console": s.ConsolePort, "since": time.Now().UnixMilli(),
	})
	if err != nil {
		panic(err) // no value of it can fail
	}
	p.about = about
	p.mux.HandleFunc("GET /{$}", p.guard.ownHost(servePage))
	p.mux.HandleFunc("GET /events", p.guard.noOtherPage(p.events))
	p.mux.HandleFunc("GET /configuration", p.guard.noOtherPage(p.configuration))
	return p
}

// Guard returns a handler that answers 403 where the page would: to a name that somebody else may own, and to pages of other origins.
func (p *Page) Guard(next http.Handler) http.Handler { return p.guard.noOtherPage(next.ServeHTTP) }

// Begin returns the record of a call that begins.
func (p *Page) Begin(b Beginning) *Call { return p.history.Begin(b) }

// Run reads the counters every two seconds until ctx is done.
func (p *Page) Run(ctx context.Context) error {
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	for {
		p.figures.sample()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// ServeHTTP serves the page at /, and what it asks for: /events and /configuration.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	p.mux.ServeHTTP(w, r)
}

func (p *Page) configuration(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, p.settings.Configuration()) // fails when the reader has gone
}

// parts are the files that the page is made of.
//
//go:embed page
var parts embed.FS

// part returns files of the page, one after the other.
func part(names ...string) string {
	var text strings.Builder
	for _, name := range names {
		content, err := parts.ReadFile("page/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		text.Write(content)
	}
	return text.String()
}

var (
	style  = part("page.css")
	script = part("words.js", "race.js", "list.js", "page.js") // one script
)

// document is the page, made when it is first asked for.
var document = sync.OnceValue(func() []byte {
	var page bytes.Buffer
	inline := struct{ Style, Script string }{style, script}
	if err := template.Must(template.New("page").Parse(part("page.html"))).Execute(&page, inline); err != nil {
		panic(err) // the template is ours
	}
	return page.Bytes()
})

// pagePolicy lets the page run its own script and style, by their hashes, and ask this origin. It loads nothing.
var pagePolicy = sync.OnceValue(func() string {
	return "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style) + "; img-src data:; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
})

// hash is a source of the content security policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy())
	_, _ = w.Write(document()) // fails when the reader has gone
}
