// Package veth makes a network of two hosts on one machine: a pair of virtual interfaces, one of them in a namespace of its own.
package veth

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// Pair is a link between this network namespace and another one, with its own sockets, ports and timers.
type Pair struct{ name, far string }

// New makes a pair. near and far are the addresses of its ends, of one /30. name is the other namespace's, of at most 14 characters;
// what a killed run has left under it goes. New needs root and Debian's iproute2.
func New(name, near, far string) (*Pair, error) {
	p := &Pair{name, far}
	p.Remove()
	for _, args := range [][]string{
		{"netns", "add", p.name},
		{"link", "add", p.name + "a", "type", "veth", "peer", "name", p.name + "b", "netns", p.name},
		{"addr", "add", near + "/30", "dev", p.name + "a"},
		{"link", "set", p.name + "a", "up"},
		{"-n", p.name, "addr", "add", far + "/30", "dev", p.name + "b"},
		{"-n", p.name, "link", "set", p.name + "b", "up"},
	} {
		if output, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			p.Remove()
			return nil, fmt.Errorf("a veth pair needs root and iproute2: ip %v: %w: %s", args, err, output)
		}
	}
	return p, nil
}

// Remove takes the pair away with its namespace.
func (p *Pair) Remove() {
	_ = exec.Command("ip", "link", "del", p.name+"a").Run() // at once; with its namespace it would go a while later
	_ = exec.Command("ip", "netns", "del", p.name).Run()
}

// Far is a command that runs in the other namespace.
func (p *Pair) Far(args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", p.name}, args...)...)
}

// Listen listens at the far end, or on the loopback interface when there is no pair.
func (p *Pair) Listen() (listener net.Listener, err error) {
	if p == nil {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	// A socket stays in the namespace that its thread had when it was made.
	done := make(chan struct{})
	go func() {
		defer close(done)
		listener, err = p.listenThere()
	}()
	<-done
	return listener, err
}

// listenThere takes its thread to the other namespace and back. A thread that cannot come back ends with the goroutine.
func (p *Pair) listenThere() (net.Listener, error) {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer func() {
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		_ = home.Close()
	}()
	there, err := os.Open("/run/netns/" + p.name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = there.Close() }()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	return net.Listen("tcp", p.far+":0")
}
