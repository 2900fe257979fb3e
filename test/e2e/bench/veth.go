package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// vethPair is a link between this network namespace and another one, with its own sockets, ports and timers. It needs root and
// Debian's iproute2.
type vethPair struct{ name, near, far string }

func newVethPair() (*vethPair, error) {
	v := &vethPair{name: "hedgerowbench", near: "198.18.37.1", far: "198.18.37.2"} // for benchmarks (RFC 2544)
	v.remove()                                                                     // what a killed run has left
	for _, args := range [][]string{
		{"netns", "add", v.name},
		{"link", "add", v.name + "a", "type", "veth", "peer", "name", v.name + "b", "netns", v.name},
		{"addr", "add", v.near + "/30", "dev", v.name + "a"},
		{"link", "set", v.name + "a", "up"},
		{"-n", v.name, "addr", "add", v.far + "/30", "dev", v.name + "b"},
		{"-n", v.name, "link", "set", v.name + "b", "up"},
	} {
		if output, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			v.remove()
			return nil, fmt.Errorf("a veth pair needs root and iproute2: ip %v: %w: %s", args, err, output)
		}
	}
	return v, nil
}

// remove takes the pair away with its namespace.
func (v *vethPair) remove() { _ = exec.Command("ip", "netns", "del", v.name).Run() }

// listen listens at the far end, or on the loopback interface when there is no pair.
func (v *vethPair) listen() (listener net.Listener, err error) {
	if v == nil {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	// A socket stays in the namespace that its thread had when it was made. main has locked the main
	// thread, whose /proc/net countSockets reads.
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err = enter("/run/netns/" + v.name); err == nil {
			listener, err = net.Listen("tcp", v.far+":0")
		}
		// The goroutine never unlocks its thread, so the thread ends with it.
	}()
	<-done
	return listener, err
}

// enter moves this thread into a network namespace.
func enter(path string) error {
	namespace, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = namespace.Close() }()
	return unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET)
}
