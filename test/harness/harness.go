// Package harness builds Hedgerow and runs it as a process for the tests of this module.
package harness

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Root returns the project's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0) //nolint:dogsled // the file is all that is wanted
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// build compiles the binary once for a test binary.
var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "hedgerow-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "hedgerow")
	command := exec.Command("go", "build", "-o", binary, "./cmd/hedgerow")
	command.Dir = Root()
	command.Stderr = os.Stderr
	return binary, command.Run()
})

// Binary returns the path of a freshly built hedgerow. RemoveBinary, in a TestMain, takes it away.
func Binary(t testing.TB) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatalf("building hedgerow: %v", err)
	}
	return binary
}

// RemoveBinary removes what Binary has built.
func RemoveBinary() {
	if binary, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
}

// Hedgerow is a running service.
type Hedgerow struct {
	*exec.Cmd
	// Addr is where it listens: host and port.
	Addr string
	// AdminAddr is where its metrics are.
	AdminAddr string
}

// URL is the service's base URL.
func (h *Hedgerow) URL() string { return "http://" + h.Addr }

// Start runs hedgerow with the given variables (NAME=value) on free ports until the test ends, and waits until it listens. It
// listens on every interface, like a deployment.
func Start(t testing.TB, environment ...string) *Hedgerow {
	t.Helper()
	h := &Hedgerow{Cmd: exec.Command(Binary(t))}
	h.Env = append([]string{"HEDGEROW_ADDR=:0", "HEDGEROW_ADMIN_ADDR=127.0.0.1:0", "HEDGEROW_LOG_FORMAT=json"}, environment...)
	stderr, err := h.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.Process.Signal(syscall.SIGTERM)
		_ = h.Wait()
	})
	listening := make(chan bool, 1)
	go func() { // ends with the process
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			var line struct {
				Msg  string `json:"msg"`
				Addr string `json:"addr"`
			}
			_ = json.Unmarshal(lines.Bytes(), &line)
			switch line.Msg {
			case "admin address is listening":
				h.AdminAddr = line.Addr
			case "listening; the console is at /":
				h.Addr = loopback(line.Addr)
				listening <- true
			}
		}
		close(listening)
	}()
	select {
	case ok := <-listening:
		if !ok {
			t.Fatal("hedgerow ended instead of listening")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("hedgerow does not listen")
	}
	return h
}

// loopback is an address of every interface as a client on this machine reaches it.
func loopback(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return "127.0.0.1:" + port
}
