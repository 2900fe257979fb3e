package faults

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
)

// outcomes counts how calls end. It is safe for concurrent use.
type outcomes struct {
	mu       sync.Mutex
	statuses map[int]int
	refused  int      // nobody listened
	lost     []string // anything else
	last     time.Time
}

func (o *outcomes) call(t *testing.T, h *harness.Hedgerow, target string) {
	a, err := call(t, h, http.MethodGet, target)
	o.mu.Lock()
	defer o.mu.Unlock()
	var dial *net.OpError
	switch {
	case err == nil:
		o.statuses[a.StatusCode]++
		o.last = time.Now()
	case errors.As(err, &dial) && dial.Op == "dial", errors.Is(err, syscall.ECONNRESET):
		// The kernel resets what it had queued and the service never accepted when it stopped listening. A call that the service has
		// accepted and loses in its drain ends with the connection's close, which is another error.
		o.refused++
	default:
		o.lost = append(o.lost, err.Error())
	}
}

// steadily makes 200 calls a second, whether or not earlier ones have ended, until stop is closed, and waits for them.
func (o *outcomes) steadily(t *testing.T, h *harness.Hedgerow, stop <-chan struct{}) {
	t.Helper()
	var calls sync.WaitGroup
	defer calls.Wait()
	ticker := time.NewTicker(time.Second / 200)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			calls.Go(func() { o.call(t, h, "/api/first"+longTimeout) })
		}
	}
}

func TestSIGTERMUnder200CallsASecondLosesNoneOfThem(t *testing.T) {
	s := start(t, faultserver.After(200*time.Millisecond, healthy), "HEDGEROW_SHUTDOWN_DELAY=1s")
	calls, stop := &outcomes{statuses: map[int]int{}}, make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() { calls.steadily(t, s.Hedgerow, stop) })
	eventually(t, 20*time.Second, "a hundred answers", func() bool {
		return metric(t, s.Hedgerow, "hedgerow_calls_total", "status", "200") >= 100
	})
	require.Equal(t, http.StatusOK, get(t, s.Hedgerow, "/readyz").StatusCode)

	told := time.Now()
	require.NoError(t, s.Process.Signal(syscall.SIGTERM))
	eventually(t, 500*time.Millisecond, "the service not to be ready", func() bool {
		return get(t, s.Hedgerow, "/readyz").StatusCode == http.StatusServiceUnavailable
	})
	assert.Zero(t, s.End(t, 10*time.Second))
	close(stop)
	load.Wait()

	assert.Empty(t, calls.lost)
	assert.Len(t, calls.statuses, 1, "%v", calls.statuses)
	assert.Greater(t, calls.statuses[http.StatusOK], 200, "about 200 of the delay, and those before")
	assert.Greater(t, calls.last.Sub(told), 900*time.Millisecond, "it goes on answering for the delay")
	assert.Positive(t, calls.refused, "the load went on until nobody listened")
	assert.NotEmpty(t, s.Log.Lines("msg", "stopped"))
	assert.NotContains(t, s.Log.String(), "panic")
}

func TestASecondSIGTERMEndsTheProcessAtOnce(t *testing.T) {
	s := start(t, faultserver.Hang(""), "HEDGEROW_SHUTDOWN_DELAY=1m")
	var calls sync.WaitGroup
	defer calls.Wait()
	calls.Go(func() { _, _ = call(t, s.Hedgerow, http.MethodGet, "/api/first"+longTimeout) })
	s.upstream.WaitForRequests(t, 3)
	require.NoError(t, s.Process.Signal(syscall.SIGTERM))
	s.Log.Wait(t, "msg", "stopping")
	require.NoError(t, s.Process.Signal(syscall.SIGTERM))
	s.End(t, time.Second)
	assert.Equal(t, syscall.SIGTERM, s.ProcessState.Sys().(syscall.WaitStatus).Signal())
}

func TestWith256FileDescriptorsItRunsUnderLoadAndRecovers(t *testing.T) {
	upstream := faultserver.New(t, faultserver.After(50*time.Millisecond, healthy))
	h := harness.StartUnder(t, []string{"prlimit", "--nofile=256:256"}, "EXPONEA_URL="+upstream.URL)
	calls := &outcomes{statuses: map[int]int{}}
	most := 0
	var callers sync.WaitGroup
	end := time.Now().Add(2 * time.Second)
	for i := range 300 {
		callers.Go(func() {
			for time.Now().Before(end) {
				calls.call(t, h, strategies[i%len(strategies)]+"?timeout=1000")
			}
		})
	}
	for time.Now().Before(end) {
		most = max(most, sockets(t, h))
		time.Sleep(20 * time.Millisecond)
	}
	callers.Wait()
	t.Logf("%v, %d sockets at the most", calls.statuses, most)
	assert.Empty(t, calls.lost)
	assert.Zero(t, calls.refused)
	assert.Greater(t, most, 200, "it came to the limit")
	assert.LessOrEqual(t, most, 256)
	for status := range calls.statuses {
		assert.Contains(t, []int{http.StatusOK, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, status)
	}

	eventually(t, 5*time.Second, "the service to answer again", func() bool {
		return get(t, h, "/api/first?timeout=1000").StatusCode == http.StatusOK
	})
	requireIdle(t, h)
	requireNoSpin(t, h)
	assert.NotContains(t, h.Log.String(), "panic")
	assert.Empty(t, h.Log.Lines("level", "ERROR"))
	assert.Len(t, h.Log.Lines("msg", "connections cannot be accepted: callers wait"), 1, "it is told once a minute")
}

// withoutPrivileges runs a command with nothing that it does not need, as the deployment's container does.
var withoutPrivileges = []string{"unshare", "--mount", "sh", "-ec", `
	mount --make-rprivate /
	mount -o remount,bind,ro /
	if touch /written 2>/dev/null; then echo "the root is not read-only" >&2; exit 1; fi
	exec setpriv --reuid=65532 --regid=65532 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`, "sh"}

func TestWithAReadOnlyRootAndAsUser65532WithoutCapabilitiesItRuns(t *testing.T) {
	upstream := faultserver.New(t, healthy)
	h := harness.StartUnder(t, withoutPrivileges, "EXPONEA_URL="+upstream.URL)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.Process.Pid))
	require.NoError(t, err)
	for _, line := range []string{"Uid:\t65532\t65532\t65532\t65532", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} {
		require.Contains(t, string(status), line+"\n")
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", h.Process.Pid))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^\d+ \d+ \S+ \S+ / ro[, ]`, string(mounts))

	requireAnswers(t, h, three)
	steadyLoad(t, h.Addr, time.Second)
	for _, path := range []string{"/", "/swagger-ui-bundle.js", "/doc.json"} {
		assert.Equal(t, http.StatusOK, raw(t, h, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").StatusCode, path)
	}
	requireNoSpin(t, h)
	assert.NotContains(t, h.Log.String(), "panic")
	require.NoError(t, h.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, h.End(t, 10*time.Second))
}

func TestAStartThatCannotSucceedEndsWithinASecondWithAReadableLineForEachProblem(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	for name, test := range map[string]struct {
		flags       string
		environment []string
		lines       []string
	}{
		"port taken": {"", []string{"HEDGEROW_ADDR=" + taken.Addr().String(), "HEDGEROW_LOG_LEVEL=error"},
			[]string{"hedgerow: --addr (HEDGEROW_ADDR): cannot listen on " + taken.Addr().String() + ": bind: address already in use"}},
		"admin port taken": {"", []string{"HEDGEROW_ADDR=127.0.0.1:0", "HEDGEROW_ADMIN_ADDR=" + taken.Addr().String(), "HEDGEROW_LOG_LEVEL=error"},
			[]string{"hedgerow: --admin-addr (HEDGEROW_ADMIN_ADDR): cannot listen on " + taken.Addr().String() + ": bind: address already in use"}},
		"bad setting": {"", []string{"HEDGEROW_PRODUCERS=0"}, []string{"hedgerow: --producers (HEDGEROW_PRODUCERS): 0 is below 1"}},
		"three bad settings": {"", []string{"HEDGEROW_PRODUCERS=x", "HEDGEROW_MAX_BODY=y", "EXPONEA_URL=ftp://x/"}, []string{
			`hedgerow: --producers (HEDGEROW_PRODUCERS): "x" is not a whole number`,
			`hedgerow: --max-body (HEDGEROW_MAX_BODY): "y" is not a size like 65536, 64KiB or 1MiB`,
			`hedgerow: --exponea-url (EXPONEA_URL): "ftp://x/" is neither http nor https`,
		}},
		"unknown flag":     {"--prodcers=3", nil, []string{`hedgerow: unknown flag --prodcers, did you mean "--producers"?`}},
		"unknown variable": {"", []string{"HEDGEROW_PRODCERS=3"}, []string{"hedgerow: HEDGEROW_PRODCERS: is not a setting, did you mean HEDGEROW_PRODUCERS?"}},
	} {
		t.Run(name, func(t *testing.T) {
			quickest(t, time.Second, "from the start to the end", func() time.Duration {
				began := time.Now()
				h := harness.Run(t, []string{"sh", "-c", `exec "$0" ` + test.flags}, append(test.environment, "HEDGEROW_LOG_FORMAT=text")...)
				assert.Positive(t, h.End(t, 10*time.Second), "the exit code")
				took := time.Since(began)
				lines := strings.Split(strings.TrimSuffix(h.Log.String(), "\n"), "\n")
				require.Len(t, lines, len(test.lines), "%s", h.Log)
				for i, line := range test.lines {
					assert.Contains(t, lines, line, "line %d", i)
				}
				assert.NotContains(t, h.Log.String(), "goroutine")
				return took
			})
		})
	}
}
