// Package proxy tests /proxy/ of the binary with raw sockets on both sides: what the API received and what the caller got are compared
// byte for byte.
package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/e2e/rawhttp"
)

func TestMain(m *testing.M) { harness.Main(m) }

// patience is for what happens soon, on a busy machine too.
const patience = time.Minute

// maxBuffered is what the services here may hold of bodies, in MiB, and maxRequests how much of it of requests.
const maxBuffered, maxRequests = 8, 6

// service is the binary with a file of APIs.
type service struct {
	*harness.Hedgerow
	file string // its path
}

// start runs the binary with a file that has these APIs, indented by two spaces. When the test has ended, nothing may be left: not a
// goroutine, not a socket, not a byte of a body.
func start(t *testing.T, apis string, servers ...*rawhttp.Server) *service {
	t.Helper()
	spare := rawhttp.Serve(t, rawhttp.Always(rawhttp.Answered("204 No Content", "")))
	s := &service{file: filepath.Join(t.TempDir(), "apis.yaml")}
	s.write(t, apis+fmt.Sprintf("  spare: {url: '%s', methods: [POST], max_request_body: %dMiB, timeout: 20s, strategy: first}\n", spare.URL(), maxRequests))
	s.Hedgerow = harness.Start(t, "HEDGEROW_CONFIG="+s.file, "EXPONEA_URL=http://127.0.0.1:9/", fmt.Sprintf("HEDGEROW_MAX_BUFFERED=%dMiB", maxBuffered),
		"HEDGEROW_LOSER_GRACE=50ms", "HEDGEROW_LOG_LEVEL=debug")
	s.post(t, "x") // what starts late has started by then
	spare.HangUp()
	before := s.atRest(t)
	hangUp := func() {
		spare.HangUp()
		for _, server := range servers {
			server.HangUp()
		}
	}
	t.Cleanup(func() {
		body := strings.Repeat("x", maxRequests<<20)
		hangUp()
		assert.Eventually(t, func() bool {
			return strings.HasPrefix(s.post(t, body), "HTTP/1.1 204 ")
		}, patience, 100*time.Millisecond, "there is room again for all bodies of requests")
		var after held
		if !assert.Eventually(t, func() bool {
			hangUp() // a dial goes on without its attempt, and may have ended since
			after = s.holds(t)
			return after.goroutines <= before.goroutines && after.sockets <= before.sockets
		}, patience, 50*time.Millisecond, "nothing is left") {
			t.Logf("before %+v, after %+v:\n%s", before, after, s.admin(t, "/debug/pprof/goroutine?debug=1"))
		}
		for line := range strings.Lines(s.Log.String()) {
			assert.True(t, strings.HasPrefix(line, "{"), "the log is JSON: %s", line)
		}
	})
	return s
}

// post sends a body to the API that every service here has.
func (s *service) post(t *testing.T, body string) string {
	t.Helper()
	return s.exchange(t, fmt.Sprintf("POST /proxy/spare HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", len(body))+body)
}

// atRest returns what the process holds when it holds the same for a while.
func (s *service) atRest(t *testing.T) held {
	t.Helper()
	last, same := s.holds(t), 0
	assert.Eventually(t, func() bool {
		now := s.holds(t)
		if same++; now != last {
			last, same = now, 0
		}
		return same == 3
	}, patience, 20*time.Millisecond)
	return last
}

// row is an API of a table of replies, and its path.
type row struct {
	*rawhttp.Server
	path string
}

// startRows runs the binary in front of an API for each reply, all with the same settings.
func startRows(t *testing.T, settings string, replies map[string]rawhttp.Reply) (*service, map[string]row) {
	t.Helper()
	var apis strings.Builder
	var servers []*rawhttp.Server
	rows := map[string]row{}
	for name, r := range replies {
		a := rawhttp.Serve(t, rawhttp.Always(r))
		rows[name] = row{a, fmt.Sprintf("/proxy/a%d/x", len(servers))}
		_, _ = fmt.Fprintf(&apis, "  a%d: {url: '%s', %s}\n", len(servers), a.URL(), settings)
		servers = append(servers, a)
	}
	return start(t, apis.String(), servers...), rows
}

func (s *service) write(t *testing.T, apis string) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.file, []byte("apis:\n"+apis), 0o600))
}

// held is what the process holds on to.
type held struct{ goroutines, sockets int }

var goroutines = regexp.MustCompile(`^goroutine profile: total (\d+)`)

func (s *service) holds(t *testing.T) held {
	t.Helper()
	n, err := strconv.Atoi(goroutines.FindStringSubmatch(s.admin(t, "/debug/pprof/goroutine?debug=1"))[1])
	require.NoError(t, err)
	h := held{goroutines: n}
	folder := fmt.Sprintf("/proc/%d/fd/", s.Process.Pid)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		if link, err := os.Readlink(folder + e.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			h.sockets++
		}
	}
	return h
}

// admin returns a page of the admin address. It leaves no connection behind.
func (s *service) admin(t *testing.T, path string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.AdminAddr + path)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// exchange sends bytes and returns all that come back until the other side closes.
func (s *service) exchange(t *testing.T, text string) string {
	t.Helper()
	conn := s.dial(t)
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, text) // the answer may come before the end of what is sent
	got, err := io.ReadAll(conn)
	assert.False(t, err != nil && len(got) == 0, "no answer: %v", err)
	return string(got)
}

func (s *service) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// ask sends a request on a connection of its own and returns the answer's parts.
func (s *service) ask(t *testing.T, line string, fields ...string) rawhttp.Message {
	t.Helper()
	return s.send(t, line, "", fields...)
}

// send is ask with a body, which goes as it is.
func (s *service) send(t *testing.T, line, body string, fields ...string) rawhttp.Message {
	t.Helper()
	head := append([]string{line + " HTTP/1.1", "Host: caller.example", "Connection: close"}, fields...)
	return rawhttp.Split(s.exchange(t, strings.Join(head, "\r\n")+"\r\n\r\n"+body))
}

// added are the fields that every answer of an API gets. Via is one of them, but an API may have sent one.
var added = []string{"connection", "content-security-policy", "hedgerow-requests", "server-timing", "via", "x-content-type-options", "x-request-id", "date"}

// own returns an answer's fields less those that were added.
func own(m rawhttp.Message) []string {
	return m.Without(func(name string) bool { return slices.Contains(added, name) })
}

// only returns the one request that was received.
func only(t *testing.T, a *rawhttp.Server) rawhttp.Message {
	t.Helper()
	requests := a.Received()
	require.Len(t, requests, 1)
	return rawhttp.Split(requests[0])
}

var resident = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

func (s *service) residentMiB(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Process.Pid))
	require.NoError(t, err)
	n, err := strconv.Atoi(resident.FindStringSubmatch(string(status))[1])
	require.NoError(t, err)
	return n >> 10
}
