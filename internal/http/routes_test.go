package http

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/swaggo/swag"

	"hedgerow/internal/hedge"
)

// The console's own files are not part of the API.
func isAsset(path string) bool { return path == "/" || strings.Contains(path, ".") }

func TestTheDocumentHasEveryRouteAndNoOther(t *testing.T) {
	var routed []string
	heads := map[string]bool{}
	router, err := newEngine(Settings{Hedge: hedge.New(hedge.Settings{}), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	for _, route := range router.Routes() {
		switch {
		case isAsset(route.Path):
		case route.Method == http.MethodHead:
			heads[route.Path] = true
		default:
			routed = append(routed, strings.ToLower(route.Method)+" "+route.Path)
		}
	}

	text, err := swag.ReadDoc()
	require.NoError(t, err)
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal([]byte(text), &document))
	var documented []string
	for path, methods := range document.Paths {
		for method := range methods {
			documented = append(documented, method+" "+path)
			assert.True(t, heads[path], "%s has HEAD too", path)
		}
	}
	assert.ElementsMatch(t, documented, routed)
	assert.Len(t, heads, len(document.Paths))
}
