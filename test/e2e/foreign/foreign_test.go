// Package foreign runs clients and servers that nobody here wrote on both sides of /proxy/ of the binary: curl, wrk, Go's, Node's and
// Python's clients; nginx, Node and Python as APIs; HAProxy before and behind.
package foreign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// settings of every API here, which make one request of each call.
const settings = "strategy: first, attempts: 1, timeout: 20s, methods: [GET, HEAD, POST], max_request_body: 2MiB"

// setUp is a Hedgerow with all servers, and HAProxy on both sides.
type setUp struct {
	files

	// servers are the addresses of those that speak HTTP/1.1, and their names in the file.
	servers map[string]string
	doors   map[string]*relay // of the servers, for Hedgerow
	beside  map[string]*relay // of the servers, for clients
	door    *relay            // of Hedgerow
	// front and front2 are addresses of HAProxy before Hedgerow, for HTTP/1.1 and HTTP/2.
	front, front2 string
}

func newSetUp(t *testing.T) *setUp {
	t.Helper()
	s := &setUp{files: newFiles(t), servers: map[string]string{}, doors: map[string]*relay{}, beside: map[string]*relay{}}
	var second, tls string
	s.servers["node"], second = startNode(t, s.files)
	s.servers["nginx"], tls = startNginx(t, s.files)
	s.servers["python"] = startPython(t, s.files)
	var addr string
	s.door = newRelay(t, func() string { return addr })
	s.servers["haproxy"], s.front, s.front2 = startHAProxy(t, s.files, s.servers["node"], s.door.addr())

	var apis strings.Builder
	for name, server := range s.servers {
		s.doors[name], s.beside[name] = newRelay(t, func() string { return server }), newRelay(t, func() string { return server })
		_, _ = fmt.Fprintf(&apis, "  %s: {url: 'http://%s', %s}\n", name, s.doors[name].addr(), settings)
	}
	for name, server := range map[string]string{"node-h2": second, "nginx-h2": tls} {
		s.doors[name] = newRelay(t, func() string { return server })
	}
	_, _ = fmt.Fprintf(&apis, "  node-h2: {url: 'http://%s', protocol: h2c, %s}\n", s.doors["node-h2"].addr(), settings)
	_, _ = fmt.Fprintf(&apis, "  nginx-h2: {url: 'https://%s', tls: {ca: '%s'}, %s}\n", s.doors["nginx-h2"].addr(), s.path("certificate.pem"), settings)
	_, _ = fmt.Fprintf(&apis, "  mirrors: {urls: ['http://%s', 'http://%s', 'http://%s'], timeout: 20s}\n", s.servers["nginx"], s.servers["node"], s.servers["python"])
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apis:\n"+apis.String()), 0o600))
	addr = harness.Start(t, "HEDGEROW_CONFIG="+file, "EXPONEA_URL=http://127.0.0.1:9/").Addr
	return s
}

func TestClientsAndServersMeetThroughTheProxyAsDirectly(t *testing.T) {
	s := newSetUp(t)
	for name := range s.servers {
		t.Run(name, func(t *testing.T) {
			for called, client := range clients {
				direct := client(t, s.files, "http://"+s.beside[name].addr())
				connections := s.beside[name].taken()
				assertSteps(t, s.files, direct)
				for _, api := range s.apis(name) {
					s.door.taken()
					assert.Equal(t, direct, client(t, s.files, "http://"+s.door.addr()+"/proxy/"+api), "%s to %s", called, api)
					assert.LessOrEqual(t, s.door.taken(), connections, "connections of %s to Hedgerow, for all its calls to %s", called, api)
				}
			}
			for _, api := range s.apis(name) {
				assert.Equal(t, 1, s.doors[api].taken(), "connections of Hedgerow to %s, for all calls of all clients, one after the other", api)
			}
		})
	}
}

// apis are the names by which the file has a server: with HTTP/1.1, and if it speaks HTTP/2 with that.
func (s *setUp) apis(name string) []string {
	if s.doors[name+"-h2"] == nil {
		return []string{name}
	}
	return []string{name, name + "-h2"}
}

func TestClientsAndServersMeetThroughAHopBeforeHedgerow(t *testing.T) {
	s := newSetUp(t)
	for called, client := range clients {
		t.Run(called, func(t *testing.T) {
			assert.Equal(t, client(t, s.files, "http://"+s.servers["node"]), client(t, s.files, "http://"+s.front+"/proxy/haproxy"))
		})
	}
	output, err := exec.Command("curl", "--silent", "--show-error", "--http2-prior-knowledge", "--data-binary", "@"+s.path("large.bin"),
		"--output", s.path("echoed"), "--write-out", "%{http_version} %{http_code}", "http://"+s.front2+"/proxy/haproxy/echo").Output()
	require.NoError(t, err)
	assert.Equal(t, "2 200", string(output))
	echoed, err := os.ReadFile(s.path("echoed"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(s.large, echoed))
}

func TestServersOfHTTP2AreSpokenToInHTTP2(t *testing.T) {
	s := newSetUp(t)
	for name, want := range map[string]string{"node-h2": "2.0", "nginx-h2": "HTTP/2.0", "node": "1.1", "nginx": "HTTP/1.1"} {
		header, _ := s.ask(t, "GET", name, "/text.txt", nil)
		assert.Equal(t, want, header.Get("X-Protocol"), name)
		assert.Regexp(t, `^`+strings.TrimPrefix(want, "HTTP/")+` hedgerow-\w+$`, header.Get("Via"), name)
	}
}

var wrkLine = regexp.MustCompile(`(?m)^(\d+) requests, (\d+) errors$`)

func TestManyCallsOfWrkUseFewConnections(t *testing.T) {
	s := newSetUp(t)
	for _, name := range []string{"nginx", "node", "haproxy", "nginx-h2"} {
		s.door.taken()
		s.doors[name].taken()
		output, err := exec.Command("wrk", "--threads", "1", "--connections", "4", "--duration", "1s", "--timeout", "20s",
			"--script", "testdata/wrk.lua", "http://"+s.door.addr()+"/proxy/"+name).CombinedOutput()
		require.NoError(t, err, string(output))
		found := wrkLine.FindStringSubmatch(string(output))
		require.NotNil(t, found, string(output))
		assert.Equal(t, "0", found[2], "%s: %s", name, output)
		assert.Greater(t, len(found[1]), 1, "%s: more than nine requests: %s", name, output)
		assert.LessOrEqual(t, s.door.taken(), 5, "%s: wrk makes four, and one to see whether there is a server", name)
		assert.LessOrEqual(t, s.doors[name].taken(), 8, "%s: %s", name, output)
	}
}

func TestArraysAndHEADWithServersOfThreeKinds(t *testing.T) {
	s := newSetUp(t)
	for _, strategy := range []string{"all", "within-timeout"} {
		for path, want := range map[string]string{"/text.txt": string(s.text), "/missing": ""} {
			_, body := s.ask(t, "GET", "mirrors", path, http.Header{"Hedgerow-Strategy": {strategy}, "Accept-Encoding": {"gzip"}})
			var elements []struct {
				Attempt, Status int
				Type, Body      string
			}
			require.NoError(t, json.Unmarshal(body, &elements))
			require.Len(t, elements, 3)
			attempts := map[int]bool{}
			for _, e := range elements {
				attempts[e.Attempt] = true
				if path == "/missing" {
					assert.Equal(t, 404, e.Status)
					continue
				}
				assert.Equal(t, 200, e.Status)
				assert.Equal(t, "text/plain", e.Type)
				assert.Equal(t, want, e.Body, "out of gzip")
			}
			assert.Len(t, attempts, 3, "one of each server")
		}
	}
	for _, strategy := range []string{"first", "smart"} {
		header, body := s.ask(t, "HEAD", "mirrors", "/large.bin", http.Header{"Hedgerow-Strategy": {strategy}})
		assert.Equal(t, "application/octet-stream", header.Get("Content-Type"))
		assert.Empty(t, body)
	}
}

// ask calls an API by Go's client.
func (s *setUp) ask(t *testing.T, method, api, path string, header http.Header) (http.Header, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.door.addr()+"/proxy/"+api+path, nil)
	require.NoError(t, err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	return response.Header, body
}
