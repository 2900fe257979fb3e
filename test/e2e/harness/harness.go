// Package harness builds Hedgerow and runs it as a process for the tests of this module.
package harness

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgerow/test/logtest"
)

// Root returns the project's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0) //nolint:dogsled // the file is all that is wanted
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// build compiles the binary once for a test binary.
var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "hedgerow-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // a test may run it as another user
		return "", err
	}
	binary := filepath.Join(folder, "hedgerow")
	arguments, cgo := []string{"build", "-tags=nomsgpack", "-o", binary}, "CGO_ENABLED=0" // as `make local` builds it
	if Raced {
		arguments, cgo = append(arguments, "-race"), "CGO_ENABLED=1"
	}
	command := exec.Command("go", append(arguments, "./cmd/hedgerow")...)
	command.Dir = Root()
	command.Env = append(os.Environ(), cgo)
	command.Stderr = os.Stderr
	return binary, command.Run()
})

// Binary returns the path of a freshly built hedgerow. Main takes it away.
func Binary(t testing.TB) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatalf("building hedgerow: %v", err)
	}
	return binary
}

// Main is for the TestMain of a package that uses Binary: it runs the tests and removes what was built.
func Main(m *testing.M) {
	code := m.Run()
	if binary, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// Hedgerow is a running service.
type Hedgerow struct {
	*exec.Cmd
	// Addr is where it listens: host and port.
	Addr string
	// AdminAddr is where its metrics are.
	AdminAddr string
	Log       *logtest.Log

	ended chan struct{} // closed when the process has ended
}

// URL is the service's base URL.
func (h *Hedgerow) URL() string { return "http://" + h.Addr }

// Start runs hedgerow with the given variables (NAME=value) on free ports until the test ends, and waits until it listens. It
// listens on every interface, like a deployment.
func Start(t testing.TB, environment ...string) *Hedgerow {
	t.Helper()
	return StartUnder(t, nil, environment...)
}

// StartUnder is Start by a command that becomes (exec) the command that it gets as its last argument, such as prlimit or setpriv.
func StartUnder(t testing.TB, command []string, environment ...string) *Hedgerow {
	t.Helper()
	h := Run(t, command, append([]string{"HEDGEROW_ADDR=:0", "HEDGEROW_ADMIN_ADDR=127.0.0.1:0"}, environment...)...)
	line, ok := h.Log.WaitUnless(h.ended, "msg", "listening; the console is at /")
	if !ok {
		t.Fatalf("hedgerow does not listen:\n%s", h.Log)
	}
	h.Addr = loopback(line["addr"].(string))
	for _, line := range h.Log.Lines("msg", "admin address is listening") {
		h.AdminAddr = line["addr"].(string)
	}
	return h
}

// Run is StartUnder for a start that may fail: it waits for nothing.
func Run(t testing.TB, command []string, environment ...string) *Hedgerow {
	t.Helper()
	command = append(command, Binary(t))
	h := &Hedgerow{Cmd: exec.Command(command[0], command[1:]...), Log: &logtest.Log{}, ended: make(chan struct{})}
	h.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HEDGEROW_LOG_FORMAT=json"}, environment...)
	h.Stderr = h.Log
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = h.Wait()
		close(h.ended)
	}()
	t.Cleanup(func() {
		_ = h.Process.Kill() // a service told to stop would first wait for requests on their way
		<-h.ended
		if Raced && strings.Contains(h.Log.String(), "WARNING: DATA RACE") {
			t.Errorf("the race detector has found one:\n%s", h.Log)
		}
	})
	return h
}

// End waits until the process has ended and returns its exit code, -1 for a signal. It fails the test after limit.
func (h *Hedgerow) End(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-h.ended:
		return h.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("hedgerow has not ended within %v", limit)
		return 0
	}
}

// loopback is an address of every interface as a client on this machine reaches it.
func loopback(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return "127.0.0.1:" + port
}
