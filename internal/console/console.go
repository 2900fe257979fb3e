// Package console makes the Swagger console: its page, its assets and the API's document that it shows.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzhttp"
	swaggerFiles "github.com/swaggo/files/v2"
	ginSwagger "github.com/swaggo/gin-swagger"
)

// policy lets the console load what it is made of and call this API, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// own has the files that replace the stock ones of the same names.
//
//go:embed own
var own embed.FS

// names are the files of the console. Each has a route of its own, because a catch-all would collide with the API.
var names = []string{
	"index.html", "index.css", "swagger-initializer.js", documentName, "swagger-ui.css", "swagger-ui-bundle.js",
	"swagger-ui-standalone-preset.js", "favicon-16x16.png", "favicon-32x32.png",
}

const documentName = "doc.json"

// Asset is a file of the console.
type Asset struct {
	// Path is where it is served.
	Path string
	http.Handler
}

// New returns the assets of the console; the page is at / too. It fails when a file is missing or empty. What is served is made when it
// is first asked for: most processes are never asked, and it would be most of the start's work and half of the memory.
func New(s Settings) ([]Asset, error) { return newAssets(swaggerFiles.FS, s) }

func newAssets(stock fs.FS, s Settings) ([]Asset, error) {
	contents := newContents(stock)
	var assets []Asset
	for _, name := range names {
		if err := check(stock, name); err != nil {
			return nil, fmt.Errorf("the console's %s: %w", name, err)
		}
		var handler http.Handler
		if name == documentName {
			handler = newDocument(contents, s)
		} else {
			handler = lazy(func() (file, error) { return contents.file(name) })
		}
		assets = append(assets, Asset{"/" + name, handler})
		if name == "index.html" {
			assets = append(assets, Asset{"/", handler})
		}
	}
	return assets, nil
}

// check tells whether there is a file of that name, ours or stock.
func check(stock fs.FS, name string) error {
	if _, err := fs.Stat(own, "own/"+name); err == nil || name == documentName {
		return nil
	}
	info, err := fs.Stat(stock, name)
	if err == nil && info.Size() == 0 {
		err = errors.New("it is empty")
	}
	return err
}

// lazy serves a file that is made when it is first asked for.
func lazy(makeFile func() (file, error)) http.Handler {
	handler := sync.OnceValues(func() (http.Handler, error) {
		f, err := makeFile()
		return serve(f), err
	})
	return orError(handler)
}

// orError answers 500 where there is no handler.
func orError(handler func() (http.Handler, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := handler()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// contents makes files from gin-swagger and from ours.
type contents struct{ stock http.Handler }

func newContents(stock fs.FS) contents {
	engine := gin.New() // for its contexts: gin-swagger is a handler of gin's
	engine.GET("/*name", ginSwagger.WrapHandler(newStock(stock)))
	return contents{engine}
}

// reading is held while gin-swagger reads a file: swag writes to a variable of the process when it reads the document.
var reading sync.Mutex

type file struct {
	contentType string
	content     []byte
}

// file gets a file from gin-swagger with a request of our own, because gin-swagger keeps what stands before the name in the first
// request line that it sees.
func (c contents) file(name string) (file, error) {
	reading.Lock()
	defer reading.Unlock()
	path := "/" + name
	w := recorder{header: http.Header{}, status: http.StatusOK}
	c.stock.ServeHTTP(&w, &http.Request{Method: http.MethodGet, RequestURI: path, URL: &url.URL{Path: path}, Header: http.Header{}})
	f := file{w.header.Get("Content-Type"), w.body.Bytes()}
	if content, err := own.ReadFile("own" + path); err == nil {
		f.content = content
	} else if w.status != http.StatusOK {
		return f, fmt.Errorf("gin-swagger answers %d %s", w.status, http.StatusText(w.status))
	}
	return f, nil
}

// recorder is a http.ResponseWriter that keeps the answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// serve serves a file, compressed if the caller likes, or answers that the caller's copy is still good. Browsers ask each time, so
// that an upgrade shows at once.
func serve(f file) http.Handler {
	// Weak, because it stands for the compressed forms too.
	tag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(f.content))
	return gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("Etag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
	}))
}
