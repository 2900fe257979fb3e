package http_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	assert.Empty(t, document["host"], "so that the console calls the host that it was loaded from")
	assert.Empty(t, document["schemes"])
}
