package http_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	hedgerow "hedgerow/internal/http"
)

var assets = map[string]string{ // path to content type
	"/":                                "text/html; charset=utf-8",
	"/index.html":                      "text/html; charset=utf-8",
	"/index.css":                       "text/css; charset=utf-8",
	"/swagger-initializer.js":          "application/javascript",
	"/doc.json":                        "application/json; charset=utf-8",
	"/swagger-ui.css":                  "text/css; charset=utf-8",
	"/swagger-ui-bundle.js":            "application/javascript",
	"/swagger-ui-standalone-preset.js": "application/javascript",
	"/favicon-16x16.png":               "image/png",
	"/favicon-32x32.png":               "image/png",
}

// TestTheConsolesAssets makes the very first request of each process-like instance a strange one: gin-swagger remembers it.
func TestTheConsolesAssetsAnswerWhateverTheFirstRequestWas(t *testing.T) {
	for name, first := range map[string]string{
		"the page":               "GET / HTTP/1.1",
		"a path before the name": "GET /x/index.html HTTP/1.1",
		"an absolute form":       "GET http://elsewhere.example/index.html HTTP/1.1",
		"a name in the query":    "GET /?a=index.html HTTP/1.1",
		"another name in it":     "GET /swagger-ui.css?/x/index.html HTTP/1.1",
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, defaults(), answers(1))
			s.raw(t, first+"\r\nHost: x\r\nConnection: close\r\n\r\n")
			for path, contentType := range assets {
				a := s.get(t, path)
				assert.Equal(t, http.StatusOK, a.StatusCode, path)
				assert.Equal(t, contentType, a.Header.Get("Content-Type"), path)
				assert.NotEmpty(t, a.body, path)
			}
			assert.Contains(t, s.get(t, "/").body, `<div id="swagger-ui">`)
		})
	}
}

func TestTheDocumentNamesNoHost(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	var document map[string]any
	require.NoError(t, json.Unmarshal([]byte(s.get(t, "/doc.json").body), &document))
	assert.Equal(t, "2.0", document["swagger"])
	for _, member := range []string{"host", "basePath", "schemes"} { // so that the console calls the host that it was loaded from
		assert.NotContains(t, document, member, "empty ones would not be valid")
	}
}

func TestTheDocumentTellsWhatTheAPISaysToACallWithoutATimeout(t *testing.T) {
	for _, maximum := range []time.Duration{time.Minute, 1500 * time.Millisecond} {
		router := newRouter(t, hedgerow.Settings{
			Service: scripted{}, MaxTimeout: maximum, Logger: slog.New(slog.DiscardHandler),
			Ready: func() bool { return true }, ObserveCall: func(hedgerow.ObservedCall) {},
		})
		get := func(path string, v any) {
			recorder := httptest.NewRecorder()
			router.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
			require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), v))
		}
		var said hedgerow.Problem
		get("/api/first", &said)
		var document struct {
			Definitions map[string]struct {
				Properties map[string]struct{ Example any }
			}
		}
		get("/doc.json", &document)
		assert.Equal(t, said.Detail, document.Definitions["InvalidTimeout"].Properties["detail"].Example)
		assert.Equal(t, said.Error, document.Definitions["InvalidTimeout"].Properties["error"].Example)
	}
}

func TestThePageIsHedgerowsOwn(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	page := s.get(t, "/").body
	assert.Equal(t, page, s.get(t, "/index.html").body)
	assert.Contains(t, page, "<title>Hedgerow</title>")
	assert.Contains(t, s.get(t, "/index.css").body, "the description and its table")
	assert.Contains(t, s.get(t, "/swagger-initializer.js").body, "displayRequestDuration: true")
}

// compressed asks for an asset as a client that takes care of compression itself.
func (s *service) compressed(t *testing.T, path, acceptEncoding string) answer {
	t.Helper()
	return s.do(t, http.MethodGet, path, "Accept-Encoding", acceptEncoding)
}

func TestAFirstVisitToTheConsoleTakesLessThan600KBOnTheWire(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for _, accept := range []string{"gzip", "gzip, deflate, br, zstd"} {
		total := 0
		for path := range assets {
			if path != "/index.html" { // that is / again
				total += len(s.compressed(t, path, accept).body) + 1000 // its headers, and more
			}
		}
		assert.Less(t, total, 600_000, accept)
	}
}

func TestAnAssetIsCompressedForACallerThatLikesIt(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for path := range assets {
		plain := s.compressed(t, path, "identity")
		assert.Empty(t, plain.Header.Get("Content-Encoding"), path)
		assert.Equal(t, strconv.Itoa(len(plain.body)), plain.Header.Get("Content-Length"), path)
		assert.Equal(t, "Accept-Encoding", plain.Header.Get("Vary"), path)

		for _, accept := range []string{"gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.1"} {
			a := s.compressed(t, path, accept)
			assert.Equal(t, http.StatusOK, a.StatusCode, path)
			assert.Equal(t, assets[path], a.Header.Get("Content-Type"), path)
			assert.Equal(t, "Accept-Encoding", a.Header.Get("Vary"), path)
			assert.Equal(t, plain.Header.Get("Etag"), a.Header.Get("Etag"), path)
			if a.Header.Get("Content-Encoding") == "" {
				assert.True(t, len(plain.body) < 1024 || strings.HasSuffix(path, ".png"), "%s is small or compressed already", path)
				assert.Equal(t, plain.body, a.body, path)
				continue
			}
			assert.Equal(t, "gzip", a.Header.Get("Content-Encoding"), path)
			assert.Less(t, len(a.body), len(plain.body)/2, path)
			decoder, err := gzip.NewReader(strings.NewReader(a.body))
			require.NoError(t, err)
			body, err := io.ReadAll(decoder)
			require.NoError(t, err)
			assert.Zero(t, strings.Compare(plain.body, string(body)), path) // without a difference of megabytes to read
		}
		for _, accept := range []string{"gzip;q=0", "gzip;q=0.0, identity", "br", "x-gzipped"} {
			a := s.compressed(t, path, accept)
			assert.Empty(t, a.Header.Get("Content-Encoding"), accept)
			assert.Zero(t, strings.Compare(plain.body, a.body), path)
		}
	}
}

func TestABrowserAsksWhetherItsCopyOfAnAssetIsStillGood(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	tags := map[string]string{}
	for path := range assets {
		a := s.get(t, path)
		tag := a.Header.Get("Etag")
		assert.Equal(t, "no-cache", a.Header.Get("Cache-Control"), path)
		assert.Regexp(t, `^W/"[0-9a-f]{64}"$`, tag, path)
		tags[tag] = path

		for _, accept := range []string{"gzip", "identity"} {
			for condition, status := range map[string]int{
				tag: 304, `"other", ` + tag: 304, strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"other"`: 200, `W/"other"`: 200, "x": 200,
			} {
				again := s.do(t, http.MethodGet, path, "If-None-Match", condition, "Accept-Encoding", accept)
				assert.Equal(t, status, again.StatusCode, "%s %s", path, condition)
				assert.Equal(t, tag, again.Header.Get("Etag"), path)
				assert.Equal(t, "no-cache", again.Header.Get("Cache-Control"), path)
				assert.Equal(t, "Accept-Encoding", again.Header.Get("Vary"), path)
				assert.Equal(t, status == 304, again.body == "", path)
			}
		}
	}
	assert.Len(t, tags, len(assets)-1, "each has its own, but / and /index.html are the same")
}

func TestHeadOfAnAssetTellsOfItsPlainForm(t *testing.T) {
	s := newService(t, defaults(), answers(1))
	for path, contentType := range assets {
		plain := s.compressed(t, path, "identity")
		for _, accept := range []string{"identity", "gzip"} {
			a := s.do(t, http.MethodHead, path, "Accept-Encoding", accept)
			assert.Equal(t, http.StatusOK, a.StatusCode, path)
			assert.Equal(t, contentType, a.Header.Get("Content-Type"), path)
			assert.Equal(t, plain.Header.Get("Content-Length"), a.Header.Get("Content-Length"), path)
			assert.Equal(t, plain.Header.Get("Etag"), a.Header.Get("Etag"), path)
			assert.Empty(t, a.body, path)
		}
	}
}
