package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// programsVariable marks the process that runs in a network of its own, and says where the programs are.
const programsVariable = "BENCH_PROGRAMS"

// inOwnNetwork calls run in a process with a network namespace of its own, which needs root. In the machine's own namespace its packet
// filters would take part: with Docker's rules loaded, the kernel tracks every connection on the loopback interface, and a call costs
// a sixth more.
func inOwnNetwork(p *programs, run func() error) error {
	switch {
	case os.Getenv(programsVariable) != "":
		if output, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			return fmt.Errorf("ip link: %w: %s", err, output)
		}
		return run()
	case os.Geteuid() != 0:
		fmt.Fprintln(os.Stderr, "bench: not root, so on the machine's own network: its packet filters take part, and P10 will fail")
		return run()
	}
	child := exec.Command("/proc/self/exe", os.Args[1:]...)
	child.Env = append(os.Environ(), programsVariable+"="+p.folder)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	err := child.Run()
	if errors.Is(err, syscall.EPERM) { // root in a container
		fmt.Fprintln(os.Stderr, "bench: no network of its own:", err)
		return run()
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return errors.New("see above")
	}
	return err
}
