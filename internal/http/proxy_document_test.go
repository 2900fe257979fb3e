package http_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// operations returns the methods that the served document gives an API's example.
func (p *proxied) operations(t *testing.T, path string) []string {
	t.Helper()
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal([]byte(p.ask(t, "GET /doc.json").body), &document))
	return slices.Sorted(maps.Keys(document.Paths[path]))
}

func TestTheConsolesDocumentHasTheFilesAPIsAndNothingThatTheyKeepToThemselves(t *testing.T) {
	t.Setenv("SECRET", "hush")
	upstream := faultserver.New(t, faultserver.JSON(`{}`))
	p := serveFile(t, "apis:\n  a:\n    url: "+host(upstream)+"/base-path/\n    set: {Authorization: \"Bearer ${SECRET}\", X-Other: as-written}\n"+
		"    example: /x//y?key=${SECRET}&b=1\n    methods: [GET, POST]\n    routes: {\"DELETE /x/\": {methods: [DELETE]}, \"PUT /z\": {methods: [PUT]}}\n")
	assert.Equal(t, []string{"delete", "get", "post"}, p.operations(t, "/proxy/a/{path}"), "those of the example's path")

	text := p.ask(t, "GET /doc.json").body
	assert.Contains(t, text, `/x//y?key=${SECRET}\u0026b=1`)
	for _, hidden := range []string{"hush", "as-written", "base-path", strings.TrimPrefix(host(upstream), "http://")} {
		assert.NotContains(t, text, hidden)
	}

	p.gateway.Swap(parseFile(t, "apis:\n  b:\n    url: "+host(upstream)+"\n"))
	assert.Empty(t, p.operations(t, "/proxy/a/{path}"))
	assert.Equal(t, []string{"get", "head"}, p.operations(t, "/proxy/b/{path}"), "the document follows the file")
}

func TestTheConsolesDocumentGivesTheTextsOfRealProblems(t *testing.T) {
	p := newProxied(t, "max_timeout: 1m\ntimeout: 1s\nmethods: [GET, POST]\nmax_request_body: 10B", faultserver.JSON(`{}`))
	var document struct {
		Definitions map[string]struct {
			Properties map[string]struct {
				Example any `json:"example"`
			} `json:"properties"`
		} `json:"definitions"`
	}
	require.NoError(t, json.Unmarshal([]byte(p.ask(t, "GET /doc.json").body), &document))
	for name, got := range map[string]struct {
		status int
		answer answer
	}{
		"InvalidRequest": {http.StatusBadRequest, p.ask(t, "GET /proxy/a/x", "Hedgerow-Timeout: 1", "Hedgerow-Timeout: 2")},
		"UnknownAPI":     {http.StatusNotFound, p.ask(t, "GET /proxy/nope/x")},
		"OtherMethod":    {http.StatusMethodNotAllowed, p.ask(t, "DELETE /proxy/a/x")},
		"LargeBody":      {http.StatusRequestEntityTooLarge, p.ask(t, "POST /proxy/a/x", "Content-Length: 11")},
		"Loop":           {http.StatusLoopDetected, p.ask(t, "GET /proxy/a/x", "Via: 1.1 "+pseudonym)},
	} {
		assert.Equal(t, problem(t, got.answer, got.status).Detail, document.Definitions[name].Properties["detail"].Example, name)
	}
}
