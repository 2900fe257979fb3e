package http

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzhttp"
	swaggerFiles "github.com/swaggo/files"
	ginSwagger "github.com/swaggo/gin-swagger"

	_ "hedgerow/docs" // the document that the console shows
)

// consolePolicy lets the console load what it is made of and call this API, and nothing else.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// own are the files of the console that stand in for the stock ones of their names.
//
//go:embed console
var own embed.FS

// routeConsole serves the Swagger console at /, each asset by a route of its own: a catch-all would collide with the API.
func routeConsole(r *gin.Engine, maxTimeout time.Duration) {
	stock := gin.New() // for its contexts: gin-swagger is a handler of gin's
	stock.GET("/*name", ginSwagger.WrapHandler(swaggerFiles.NewHandler(), func(c *ginSwagger.Config) { c.Title = "Hedgerow" }))
	assets := map[string]gin.HandlerFunc{}
	for _, name := range []string{
		"index.html", "index.css", "swagger-initializer.js", "doc.json", "swagger-ui.css", "swagger-ui-bundle.js",
		"swagger-ui-standalone-preset.js", "favicon-16x16.png", "favicon-32x32.png",
	} {
		assets[name] = serveAsset(sync.OnceValue(func() *asset { return newAsset(stock, name, maxTimeout) }))
		get(r, "/"+name, assets[name])
	}
	get(r, "/", assets["index.html"])
}

// asset is one file of the console, made when it is first asked for: it is the same for everybody until the next upgrade.
type asset struct {
	header http.Header
	tag    string
	bytes.Buffer
}

func (a *asset) Header() http.Header { return a.header }

func (a *asset) WriteHeader(int) {}

// newAsset gets the file from the stock console, with a request that owes nothing to the caller's: gin-swagger keeps what it finds
// before the name in the first request line it sees.
func newAsset(stock http.Handler, name string, maxTimeout time.Duration) *asset {
	a := &asset{header: http.Header{}}
	path := "/" + name
	stock.ServeHTTP(a, &http.Request{Method: http.MethodGet, RequestURI: path, URL: &url.URL{Path: path}, Header: http.Header{}})
	if content, err := own.ReadFile("console" + path); err == nil {
		a.Buffer = *bytes.NewBuffer(content)
	}
	if name == "doc.json" {
		a.Buffer = *bytes.NewBuffer(withMaxTimeout(a.Bytes(), maxTimeout))
	}
	// Weak, for it stands for the compressed forms too.
	a.tag = fmt.Sprintf(`W/"%x"`, sha256.Sum256(a.Bytes()))
	return a
}

// serveAsset serves a file, compressed if the caller likes, or tells that the caller's copy is still good. Browsers ask each time,
// so that an upgrade shows at once.
func serveAsset(file func() *asset) gin.HandlerFunc {
	serve := gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := file()
		h := w.Header()
		h.Set("Content-Type", a.header.Get("Content-Type"))
		h.Set("Content-Security-Policy", consolePolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("Etag", a.tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.Bytes()))
	}))
	return gin.WrapF(serve)
}
