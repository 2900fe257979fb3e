package faults

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// held is what a process holds on to.
type held struct{ goroutines, sockets, inFlight int }

func holds(t *testing.T, h *harness.Hedgerow) held {
	t.Helper()
	profile := admin(t, h, "/debug/pprof/goroutine?debug=1")
	goroutines := regexp.MustCompile(`^goroutine profile: total (\d+)`).FindStringSubmatch(profile)
	require.NotNil(t, goroutines)
	n, err := strconv.Atoi(goroutines[1])
	require.NoError(t, err)
	return held{n, sockets(t, h), metric(t, h, "hedgerow_attempts_in_flight")}
}

func sockets(t *testing.T, h *harness.Hedgerow) int {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd/", h.Process.Pid)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	n := 0
	for _, e := range entries {
		if link, err := os.Readlink(folder + e.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}

// atRest returns what a process holds when it holds the same for a while.
func atRest(t *testing.T, h *harness.Hedgerow) held {
	t.Helper()
	const rest = 20 // samples
	last, same := holds(t, h), 0
	eventually(t, 10*time.Second, "a service at rest", func() bool {
		now := holds(t, h)
		if same++; now != last {
			last, same = now, 0
		}
		return same == rest
	})
	return last
}

// requireNoLeak waits until the process holds no more than it did at rest.
func requireNoLeak(t *testing.T, h *harness.Hedgerow, baseline held) {
	t.Helper()
	var now held
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		now = holds(t, h)
		if now.goroutines <= baseline.goroutines && now.sockets <= baseline.sockets && now.inFlight <= baseline.inFlight {
			return
		}
	}
	require.Equal(t, baseline, now, "goroutines, sockets and attempts in flight are back at their baseline")
}

// residentMiB is how much memory the process has.
func residentMiB(t *testing.T, h *harness.Hedgerow) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.Process.Pid))
	require.NoError(t, err)
	kib := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, kib)
	n, err := strconv.Atoi(string(kib[1]))
	require.NoError(t, err)
	return n >> 10
}

// processorTime is how long the process has been running on a processor.
func processorTime(t *testing.T, h *harness.Hedgerow) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.Process.Pid))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(stat), ") ") // after the program's name
	require.True(t, ok)
	const user, system, tick = 11, 12, 10 * time.Millisecond // proc(5); a tick is 1/100 s on every Linux that Go runs on
	fields, ticks := strings.Fields(rest), 0
	for _, i := range []int{user, system} {
		n, err := strconv.Atoi(fields[i])
		require.NoError(t, err)
		ticks += n
	}
	return time.Duration(ticks) * tick
}

// requireNoSpin checks that the process, which has nothing to do, does next to nothing.
func requireNoSpin(t *testing.T, h *harness.Hedgerow) {
	t.Helper()
	quickest(t, 50*time.Millisecond, "processor time in a quiet second", func() time.Duration {
		before := processorTime(t, h)
		time.Sleep(time.Second)
		return processorTime(t, h) - before
	})
}

// States of a TCP socket in /proc/net/tcp.
const (
	established = "01"
	synSent     = "02"
	finWait1    = "04"
	finWait2    = "05"
	timeWait    = "06"
)

// socketsTo counts this machine's sockets to a local port that are in one of the states.
func socketsTo(t *testing.T, addr string, states ...string) int {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	require.NoError(t, err)
	_, port, ok := strings.Cut(addr, ":")
	require.True(t, ok)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	pattern := fmt.Sprintf(`(?m)^ *\d+: \S+ \S+:%04X (?:%s) `, n, strings.Join(states, "|"))
	return len(regexp.MustCompile(pattern).FindAll(table, -1))
}

// mostSocketsTo counts them often. What it returns ends that and is the most at a time.
func mostSocketsTo(t *testing.T, addr string, states ...string) (end func() int) {
	t.Helper()
	most, stop := 0, make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				most = max(most, socketsTo(t, addr, states...))
			}
		}
	})
	stopped := sync.OnceFunc(func() {
		close(stop)
		watch.Wait()
	})
	t.Cleanup(stopped)
	return func() int {
		stopped()
		return most
	}
}

// allowFiles lets this process and those that it starts have n files open.
func allowFiles(t *testing.T, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur, limit.Max = max(limit.Cur, n), max(limit.Max, n)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit), "%d files open", n)
}

func TestTheMeasuringToolsSeeWhatTheyAreFor(t *testing.T) {
	h := harness.Start(t, "EXPONEA_URL=http://127.0.0.1:1/")
	baseline := atRest(t, h)
	assert.Positive(t, baseline.goroutines)
	assert.GreaterOrEqual(t, baseline.sockets, 2, "it listens on two addresses")
	assert.Greater(t, residentMiB(t, h), 5)
	before := processorTime(t, h)
	eventually(t, 10*time.Second, "work to cost processor time", func() bool {
		get(t, h, "/readyz")
		return processorTime(t, h) > before
	})
}
