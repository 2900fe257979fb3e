// Package exchanges has some hundreds of exchanges as data, and makes each twice over raw sockets: with an API directly, and through
// /proxy/ of the binary. What the API receives and what the caller gets are the same bytes both times, less what the design says is
// dropped or added (design_test.go).
package exchanges

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/e2e/rawhttp"
)

func TestMain(m *testing.M) { harness.Main(m) }

// exchange is a request and its answer.
type exchange struct {
	name string
	// method and target of the request. The target stands behind the path of the API.
	method, target string
	fields         []string
	content        content

	// interim is what the API sends before its answer.
	interim string
	// status is the version, code and phrase of the answer; empty: HTTP/1.1 200 OK.
	status       string
	answerFields []string
	answer       content
}

// groups are all exchanges.
var groups = map[string][]exchange{
	"methods":    methods(),
	"statuses":   statuses(),
	"bodies":     bodies(),
	"targets":    targets(),
	"fields":     fields(),
	"conditions": conditions(),
	"interim":    interim(),
}

func TestThereAreMoreThanTwoHundredExchanges(t *testing.T) {
	count, names := 0, map[string]bool{}
	for group, exchanges := range groups {
		for _, e := range exchanges {
			count++
			names[group+"/"+e.name] = true
		}
	}
	assert.Greater(t, count, 200)
	assert.Len(t, names, count, "each has a name of its own")
	t.Logf("%d exchanges, each through %d APIs", count, len(apis))
}

// api is how the file names the API, which is the same one each time.
type api struct {
	name, settings string
	// url is what follows the server's address in its URL, path what callers put before the rest.
	url, path string
	// attempts are made at once for each call that may be repeated.
	attempts int
	// passes are the fields of requests that are listed for it, in lower case; "*" is all but credentials.
	passes []string
	// keeps says that Set-Cookie comes back.
	keeps bool
}

var apis = []api{
	{name: "all-fields", url: base, attempts: 1, settings: "forward: {headers: ['*']}", passes: []string{"*"}},
	{name: "usual-fields", url: base + "/", attempts: 1},
	{name: "credentials", path: base, attempts: 1, settings: "forward: {headers: ['*', Authorization, Cookie, User-Agent]}, keep: [Set-Cookie]",
		passes: []string{"*", "authorization", "cookie", "user-agent"}, keeps: true},
	{name: "three-attempts", url: "/", path: base, attempts: 3, settings: "forward: {headers: ['*']}", passes: []string{"*"}},
}

const base = "/v1" // what all paths at the API begin with

func TestAnExchangeIsTheSameBytesThroughTheProxyAsDirectly(t *testing.T) {
	server := newServer(t)
	s := start(t, server)
	for group, exchanges := range groups {
		t.Run(group, func(t *testing.T) {
			for i, e := range exchanges {
				id := fmt.Sprintf("/%s-%d", group, i)
				server.expect(id, e)
				answer := call(t, server.Addr().String(), e.request(base+id+e.target, server.Addr().String()), true)
				requests := server.received(t, id, 1)
				for _, a := range apis {
					t.Run(e.name+"/"+a.name, func(t *testing.T) {
						got := call(t, s.Addr, e.request("/proxy/"+a.name+a.path+id+e.target, s.Addr, "Connection: close"), false)
						assert.Equal(t, wantAnswer(t, a, e, answer), own(t, answer, got), "the caller gets")
						for _, received := range server.received(t, id, e.attempts(a)) {
							assert.Equal(t, wantRequest(t, a, requests[0]), ownRequest(t, requests[0], received), "the API receives")
						}
					})
				}
			}
		})
	}
	assert.Empty(t, server.unexpected(), "nothing else was sent")
}

func TestOtherFormsOfTargetsAndMethodsThatConnectOrTraceSendNothing(t *testing.T) {
	server := newServer(t)
	s := start(t, server)
	for request, want := range map[string]string{
		"GET http://" + server.Addr().String() + "/v1/x":        "404", // absolute-form
		"GET http://" + s.Addr + "/proxy/all-fields/x":          "400",
		"GET http://elsewhere.example/proxy/all-fields/x":       "400",
		"CONNECT " + server.Addr().String():                     "405", // authority-form
		"CONNECT /proxy/all-fields/x":                           "405",
		"OPTIONS *":                                             "204", // asterisk-form
		"TRACE /proxy/all-fields/x":                             "405",
		"NEW /proxy/all-fields/x":                               "405",
		"get /proxy/all-fields/x":                               "405",
		"GET " + server.Addr().String() + "/proxy/all-fields/x": "400",
		"GET /proxy/all-fields/x HTTP/1.1\r\nX-A: a\r\nGET /y":  "400",
	} {
		got := call(t, s.Addr, request+" HTTP/1.1\r\nHost: "+s.Addr+"\r\nConnection: close\r\n\r\n", false)
		assert.Equal(t, want, got.Status(), request)
	}
	assert.Empty(t, server.unexpected())
}

// request is the bytes of a request for a whole target.
func (e exchange) request(target, host string, more ...string) string {
	return e.content.behind(append(append([]string{e.method + " " + target + " HTTP/1.1", "Host: " + host}, more...), e.fields...))
}

// reply is the answer as the API sends it.
func (e exchange) reply() rawhttp.Reply {
	line := e.status
	if line == "" {
		line = "HTTP/1.1 200 OK"
	}
	return rawhttp.Reply{Text: e.interim + e.answer.behind(append([]string{line}, e.answerFields...)), Keep: !e.answer.closes}
}

// attempts is how many requests reach the API. A request that is not safe to repeat is made once.
func (e exchange) attempts(a api) int {
	if !strings.Contains(idempotent, " "+e.method+" ") {
		return 1
	}
	return a.attempts
}

// start runs the binary with the APIs above, all of them the server.
func start(t *testing.T, server *server) *harness.Hedgerow {
	t.Helper()
	var file strings.Builder
	_, _ = fmt.Fprintf(&file, "defaults: {strategy: first, timeout: 20s, max_request_body: 2MiB, methods: [%s]}\napis:\n", strings.Join(registered, ", "))
	for _, a := range apis {
		_, _ = fmt.Fprintf(&file, "  %s: {url: '%s', attempts: %d, %s}\n", a.name, server.URL()+a.url, a.attempts, a.settings)
	}
	path := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(path, []byte(file.String()), 0o600))
	return harness.Start(t, "HEDGEROW_CONFIG="+path, "EXPONEA_URL=http://127.0.0.1:9/")
}
