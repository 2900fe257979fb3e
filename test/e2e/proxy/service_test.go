// Package proxy tests /proxy/ of the binary with raw sockets on both sides: what the API received and what the caller got are compared
// byte for byte. Clients and servers that nobody here wrote are tried too.
package proxy

import (
	"bufio"
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
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.RemoveBinary()
	os.Exit(code)
}

// patience is for what happens soon, on a busy machine too.
const patience = 20 * time.Second

// maxBuffered is what the services here may hold of bodies, in MiB.
const maxBuffered = 8

// api is a server of raw bytes, which keeps what it received.
type api struct {
	net.Listener

	mu       sync.Mutex
	requests []string
	conns    map[net.Conn]bool
	dialled  int
}

// reply is what an API sends for a request. Without keep the connection ends with it, and with hang it stays open in silence.
type reply struct {
	text       string
	keep, hang bool
}

// ok is a good answer with a body.
func ok(body string) reply { return answered("200 OK", body) }

func answered(status, body string, fields ...string) reply {
	head := append([]string{"HTTP/1.1 " + status, fmt.Sprintf("Content-Length: %d", len(body))}, fields...)
	return reply{text: strings.Join(head, "\r\n") + "\r\n\r\n" + body, keep: true}
}

// always gives each request the same reply.
func always(r reply) func(string) reply { return func(string) reply { return r } }

// newAPI starts a server that ends with the test.
func newAPI(t *testing.T, answer func(request string) reply) *api {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	a := &api{Listener: listener, conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			a.mu.Lock()
			a.conns[conn] = true
			a.dialled++
			a.mu.Unlock()
			serving.Go(func() { a.serve(conn, answer) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		a.hangUp()
		serving.Wait()
	})
	return a
}

func (a *api) serve(conn net.Conn, answer func(string) reply) {
	defer func() {
		_ = conn.Close()
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.conns, conn)
	}()
	reader := bufio.NewReader(conn)
	for {
		request, err := readMessage(reader)
		if err != nil {
			return
		}
		a.mu.Lock()
		a.requests = append(a.requests, request)
		a.mu.Unlock()
		r := answer(request)
		if _, err := io.WriteString(conn, r.text); err != nil {
			return
		}
		if r.hang {
			_, _ = io.Copy(io.Discard, reader) // until the other side has gone
			return
		}
		if !r.keep {
			return
		}
	}
}

var length = regexp.MustCompile(`(?i)\r\ncontent-length: *(\d+)\r\n`)

// readMessage returns the bytes of a request. It knows bodies with a length, and those in chunks.
func readMessage(from *bufio.Reader) (string, error) {
	var b strings.Builder
	until := func(end string) error {
		for start := b.Len(); !strings.HasSuffix(b.String()[start:], end); {
			line, err := from.ReadString('\n')
			b.WriteString(line)
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := until("\r\n\r\n"); err != nil {
		return "", err
	}
	if n := length.FindStringSubmatch(b.String()); n != nil {
		size, err := strconv.ParseInt(n[1], 10, 64)
		if err != nil {
			return "", err
		}
		_, err = io.CopyN(&b, from, size)
		return b.String(), err
	}
	if strings.Contains(strings.ToLower(b.String()), "\r\ntransfer-encoding: chunked\r\n") {
		return b.String(), until("0\r\n\r\n")
	}
	return b.String(), nil
}

// hangUp closes every connection.
func (a *api) hangUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for conn := range a.conns {
		_ = conn.Close()
	}
}

// received returns the requests so far, and forgets them.
func (a *api) received() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	requests := a.requests
	a.requests = nil
	return requests
}

func (a *api) connections() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dialled
}

func (a *api) url() string { return "http://" + a.Addr().String() }

// service is the binary with a file of APIs.
type service struct {
	*harness.Hedgerow
	file string // its path
}

// start runs the binary with a file that has these APIs, indented by two spaces. When the test has ended, nothing may be left: not a
// goroutine, not a socket, not a byte of a body.
func start(t *testing.T, apis string, servers ...*api) *service {
	t.Helper()
	spare := newAPI(t, always(answered("204 No Content", "")))
	s := &service{file: filepath.Join(t.TempDir(), "apis.yaml")}
	s.write(t, apis+fmt.Sprintf("  spare: {url: '%s', methods: [POST], max_request_body: %dMiB, timeout: 20s, strategy: first}\n", spare.url(), maxBuffered))
	s.Hedgerow = harness.Start(t, "HEDGEROW_CONFIG="+s.file, "EXPONEA_URL=http://127.0.0.1:9/", fmt.Sprintf("HEDGEROW_MAX_BUFFERED=%dMiB", maxBuffered),
		"HEDGEROW_LOSER_GRACE=50ms", "HEDGEROW_LOG_LEVEL=debug")
	s.post(t, "x") // what starts late has started by then
	spare.hangUp()
	before := s.atRest(t)
	t.Cleanup(func() {
		body := strings.Repeat("x", maxBuffered<<20)
		for _, server := range servers {
			server.hangUp()
		}
		assert.Eventually(t, func() bool {
			return strings.HasPrefix(s.post(t, body), "HTTP/1.1 204 ")
		}, patience, 100*time.Millisecond, "there is room for all bodies again")
		spare.hangUp()
		var after held
		if !assert.Eventually(t, func() bool {
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
	*api
	path string
}

// startRows runs the binary in front of an API for each reply, all with the same settings.
func startRows(t *testing.T, settings string, replies map[string]reply) (*service, map[string]row) {
	t.Helper()
	var apis strings.Builder
	var servers []*api
	rows := map[string]row{}
	for name, r := range replies {
		a := newAPI(t, always(r))
		rows[name] = row{a, fmt.Sprintf("/proxy/a%d/x", len(servers))}
		_, _ = fmt.Fprintf(&apis, "  a%d: {url: '%s', %s}\n", len(servers), a.url(), settings)
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
func (s *service) ask(t *testing.T, line string, fields ...string) message {
	t.Helper()
	return s.send(t, line, "", fields...)
}

// send is ask with a body, which goes as it is.
func (s *service) send(t *testing.T, line, body string, fields ...string) message {
	t.Helper()
	head := append([]string{line + " HTTP/1.1", "Host: caller.example", "Connection: close"}, fields...)
	return split(s.exchange(t, strings.Join(head, "\r\n")+"\r\n\r\n"+body))
}

// message is an answer or a request in its parts.
type message struct {
	line   string   // the first one
	fields []string // sorted, but for those of one name, which keep their order
	body   string
}

func split(text string) message {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m := message{line: lines[0], fields: lines[1:], body: body}
	slices.SortStableFunc(m.fields, func(a, b string) int { return strings.Compare(nameOf(a), nameOf(b)) })
	return m
}

func nameOf(field string) string {
	name, _, _ := strings.Cut(field, ":")
	return strings.ToLower(name)
}

// status is the three digits of an answer.
func (m message) status() string {
	if words := strings.Fields(m.line); len(words) > 1 {
		return words[1]
	}
	return "no answer: " + m.line
}

// all returns the fields of a name.
func (m message) all(name string) []string {
	return slices.DeleteFunc(slices.Clone(m.fields), func(f string) bool { return nameOf(f) != strings.ToLower(name) })
}

// added are the fields that every answer of an API gets. Via is one of them, but an API may have sent one.
var added = []string{"connection", "content-security-policy", "hedgerow-requests", "server-timing", "via", "x-content-type-options", "x-request-id", "date"}

// own returns an answer's fields less those that were added.
func (m message) own() []string {
	return slices.DeleteFunc(slices.Clone(m.fields), func(f string) bool { return slices.Contains(added, nameOf(f)) })
}

// only returns the one request that was received.
func only(t *testing.T, a *api) message {
	t.Helper()
	requests := a.received()
	require.Len(t, requests, 1)
	return split(requests[0])
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
