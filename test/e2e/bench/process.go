package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"hedgerow/test/e2e/bench/instrument"
	"hedgerow/test/metricstest"
)

// programs are the binaries under test.
type programs struct {
	folder string
	// profile is the file for a CPU profile of Hedgerow under the next load; nil: none is taken.
	profile atomic.Pointer[string]
	// found is the number of connections that P3 has found. 0: it has not been run.
	found int
	// made are the rounds of P1, P2 and P13 that have been made, by endpoint.
	made map[string][]turn
}

// build compiles the programs with the Dockerfile's flags, and the benchmarks of single packages, unless that has been done.
func build() (*programs, error) {
	if folder := os.Getenv(programsVariable); folder != "" {
		return &programs{folder: folder, made: map[string][]turn{}}, nil
	}
	folder, err := os.MkdirTemp("", "hedgerow-bench-")
	if err != nil {
		return nil, err
	}
	for _, b := range []struct{ name, dir, pkg string }{{"hedgerow", "../..", "./cmd/hedgerow"}, {"healthcheck", "../..", "./cmd/healthcheck"}, {"baseline", ".", "./bench/baseline"}} {
		command := exec.Command("go", "build", "-trimpath", "-tags=nomsgpack", "-ldflags=-s -w", "-o", filepath.Join(folder, b.name), b.pkg)
		command.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is delivered
		command.Dir, command.Stderr = b.dir, os.Stderr
		if err := command.Run(); err != nil {
			return nil, fmt.Errorf("building %s: %w", b.name, err)
		}
	}
	for _, b := range []struct{ name, dir, pkg string }{
		{"engine.test", ".", "./engine"}, {"rule.test", "../..", "./internal/rule"},
		{"hedge.test", "../..", "./internal/hedge"}, {"fanout.test", "../..", "./internal/fanout"},
	} {
		command := exec.Command("go", "test", "-c", "-o", filepath.Join(folder, b.name), b.pkg)
		command.Dir, command.Stderr = b.dir, os.Stderr
		if err := command.Run(); err != nil {
			return nil, fmt.Errorf("building %s: %w", b.name, err)
		}
	}
	return &programs{folder: folder, made: map[string][]turn{}}, nil
}

// remove deletes what this process has built.
func (p *programs) remove() {
	if os.Getenv(programsVariable) == "" {
		_ = os.RemoveAll(p.folder)
	}
}

// process is a running program that listens on addr.
type process struct {
	*exec.Cmd
	addr  string
	admin string
}

// freeAddr is an address to listen on. Its port is below those that the kernel gives to connections (by default from 32768). start calls
// a program that does not listen yet, and such a call could otherwise be given the very port that the program is to listen on.
func freeAddr() string {
	for {
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if listener, err := net.Listen("tcp", addr); err == nil {
			_ = listener.Close()
			return addr
		}
	}
}

func start(command *exec.Cmd, addr string) (*process, error) {
	p := &process{Cmd: command, addr: addr}
	if err := command.Start(); err != nil {
		return nil, err
	}
	for range 2000 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return p, nil
		}
		time.Sleep(time.Millisecond)
	}
	p.stop()
	return nil, errors.New(command.String() + " does not listen")
}

// hedgerow starts the service with default settings: metrics on, and access log on. The log goes to a file.
func (p *programs) hedgerow(url string, environment ...string) (*process, error) {
	addr, admin := freeAddr(), freeAddr()
	command := exec.Command(filepath.Join(p.folder, "hedgerow"))
	command.Env = append([]string{"EXPONEA_URL=" + url, "HEDGEROW_ADDR=" + addr, "HEDGEROW_ADMIN_ADDR=" + admin}, environment...)
	log, err := os.CreateTemp(p.folder, "log-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	command.Stderr = log
	started, err := start(command, addr)
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	started.admin = admin
	if file := p.profile.Swap(nil); file != nil { // of a target's first load
		go started.profile(*file) // ends with the service
	}
	return started, nil
}

// inFrontOf starts an upstream with the given behaviour, and Hedgerow in front of it, for as long as measure takes.
func inFrontOf[T any](p *programs, answer instrument.Behaviour, measure func(up *instrument.Upstream, ours *process) (T, error), environment ...string) (T, error) {
	var none T
	up, err := instrument.StartUpstream(answer)
	if err != nil {
		return none, err
	}
	defer up.Stop()
	ours, err := p.hedgerow(up.URL(), environment...)
	if err != nil {
		return none, err
	}
	defer ours.stop()
	return measure(up, ours)
}

// profile saves a CPU profile of the five seconds after the warm-up.
func (p *process) profile(file string) {
	time.Sleep(warmUp)
	response, err := http.Get("http://" + p.admin + "/debug/pprof/profile?seconds=5")
	if err != nil {
		fmt.Fprintln(os.Stderr, "no profile:", err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no profile:", err)
	}
}

func (p *programs) baseline(url string) (*process, error) {
	addr := freeAddr()
	return start(exec.Command(filepath.Join(p.folder, "baseline"), "-addr", addr, "-url", url), addr)
}

// testingServer starts Hedgerow's testing server alone.
func (p *programs) testingServer(args ...string) (*process, error) {
	addr := freeAddr()
	command := exec.Command(filepath.Join(p.folder, "hedgerow"), append([]string{"testserver", "--addr", addr, "--log-level=error"}, args...)...)
	return start(command, addr)
}

func (p *process) workURL() string { return "http://" + p.addr + "/api/work" }

func (p *process) stop() {
	_ = p.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = p.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		_ = p.Process.Kill()
		<-done
	}
}

// metric sums the samples of a metric of the service.
func (p *process) metric(name string) (float64, error) {
	scrape, err := metricstest.Fetch(p.admin)
	if err != nil {
		return 0, err
	}
	return scrape.Sum(name), nil
}

// get makes one call and does not decode its answer.
func get(url string) (int, error) {
	response, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
