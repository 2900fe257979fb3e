package reload

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// api answers with the path that it was asked for and its header X-Version, and counts its connections.
type api struct {
	*httptest.Server

	accepted atomic.Int64
	gate     sync.WaitGroup // of a path that waits until every caller has asked
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{}
	a.gate.Add(callers)
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/gate") {
			a.gate.Done()
			a.gate.Wait()
		}
		_, _ = fmt.Fprintf(w, "%s %s", r.URL.Path, r.Header.Get("X-Version")) //nolint:gosec // nobody shows it
	}))
	a.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			a.accepted.Add(1)
		}
	}
	a.Start()
	t.Cleanup(a.Close)
	return a
}

func (a *api) connections() int { return int(a.accepted.Load()) }

// names are the APIs of the file.
var names = []string{"kept", "other", "changed"}

// service is the binary with a file of three APIs. The settings of one of them have a number.
type service struct {
	*harness.Hedgerow

	file             string
	apis             []*api
	client           *http.Client
	written, applied atomic.Int64 // the number in the file, and the one that holds
}

func start(t *testing.T, apis ...*api) *service {
	t.Helper()
	s := &service{
		file: filepath.Join(t.TempDir(), "apis.yaml"), apis: apis,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * callers}},
	}
	s.write(t, s.text(0))
	s.Hedgerow = harness.Start(t, "HEDGEROW_CONFIG="+s.file, "EXPONEA_URL=http://127.0.0.1:9/", "HEDGEROW_LOSER_GRACE=50ms")
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// text is the file. Both the URL and a header of the changed API have the number: a call has both of one file.
func (s *service) text(version int64) string {
	return fmt.Sprintf(`defaults: {timeout: 20s, strategy: first, attempts: 1}
apis:
  kept: {url: "%s"}
  other: {url: "%s", routes: {"GET /x": {timeout: 10s}}}
  changed: {url: "%s/v%d", set: {X-Version: "%d"}}
`, s.apis[0].URL, s.apis[1].URL, s.apis[2].URL, version, version)
}

func (s *service) write(t *testing.T, text string) {
	t.Helper()
	beside := s.file + ".new"
	require.NoError(t, os.WriteFile(beside, []byte(text), 0o600))
	require.NoError(t, os.Rename(beside, s.file))
}

var answer = regexp.MustCompile(`^(?:/v(\d+))?/(?:x|gate) (\d*)$`)

// call asks an API and returns the number of the settings that the call was made with, 0 where there is none.
func (s *service) call(name string) (int64, error) { return s.get("/proxy/" + name + "/x") }

func (s *service) get(path string) (int64, error) {
	response, err := s.client.Get(s.URL() + path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	parts := answer.FindStringSubmatch(string(body))
	if response.StatusCode != http.StatusOK || parts == nil || parts[1] != parts[2] {
		return 0, fmt.Errorf("%s: %q", response.Status, body)
	}
	if parts[1] == "" {
		return 0, nil
	}
	return strconv.ParseInt(parts[1], 10, 64)
}

// warmUp makes as many connections to APIs as there will be calls at once.
func (s *service) warmUp(t *testing.T, apis ...*api) {
	t.Helper()
	for i := range apis {
		var calls sync.WaitGroup
		for range callers {
			calls.Go(func() {
				_, err := s.get("/proxy/" + names[i] + "/gate")
				assert.NoError(t, err)
			})
		}
		calls.Wait()
		require.Equal(t, callers, apis[i].connections())
	}
}

// held is what the process holds on to.
type held struct{ goroutines, files, heap int }

var (
	goroutines = regexp.MustCompile(`^goroutine profile: total (\d+)`)
	heapAlloc  = regexp.MustCompile(`\n# HeapAlloc = (\d+)\n`)
)

func (s *service) holds(t *testing.T) held {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd/", s.Process.Pid))
	require.NoError(t, err)
	_ = s.figure(t, "/debug/pprof/heap?debug=1&gc=1", heapAlloc) // the first collection finds what the second one frees
	return held{
		s.figure(t, "/debug/pprof/goroutine?debug=1", goroutines), len(entries), s.figure(t, "/debug/pprof/heap?debug=1&gc=1", heapAlloc),
	}
}

// figure reads a number off a page of the admin address. It leaves no connection behind.
func (s *service) figure(t *testing.T, path string, of *regexp.Regexp) int {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.AdminAddr + path)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	n, err := strconv.Atoi(of.FindStringSubmatch(string(text))[1])
	require.NoError(t, err)
	return n
}

// atRest returns what the process holds when callers have gone and it holds the same for a while.
func (s *service) atRest(t *testing.T) held {
	t.Helper()
	s.client.CloseIdleConnections()
	last, same := s.holds(t), 0
	assert.Eventually(t, func() bool {
		now := s.holds(t)
		if same++; now.goroutines != last.goroutines || now.files != last.files {
			same = 0
		}
		last = now
		return same == 3
	}, patience, 50*time.Millisecond)
	return last
}

// heapMargin is less than what a fifth of the reloads would leave behind if an API that was changed stayed in memory.
const heapMargin = 512 << 10

// assertNothingGrew compares with before. The API that changed may have a connection for each caller, which the others had before.
func (s *service) assertNothingGrew(t *testing.T, before held) {
	t.Helper()
	s.client.CloseIdleConnections()
	end, after := time.Now().Add(patience), s.holds(t)
	grew := func() bool {
		return after.goroutines > before.goroutines+2*callers || after.files > before.files+2*callers || after.heap > before.heap+heapMargin
	}
	for grew() && time.Now().Before(end) {
		time.Sleep(100 * time.Millisecond)
		after = s.holds(t)
	}
	assert.False(t, grew(), "something grew")
	t.Logf("before %+v, after %+v", before, after)
}
