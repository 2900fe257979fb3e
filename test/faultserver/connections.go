package faultserver

import (
	"net"
	"sync"
	"testing"
)

// Connections are those that a listener has accepted.
type Connections struct {
	mu   sync.Mutex
	open map[net.Conn]bool
	made int
}

// Accept serves each connection of a listener by handle, on a goroutine of its own, and closes it then. At the end of the test it closes
// the listener and every connection, and waits.
func Accept(t testing.TB, listener net.Listener, handle func(net.Conn)) *Connections {
	c := &Connections{open: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.add(conn)
			serving.Go(func() {
				defer c.remove(conn)
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.HangUp()
		serving.Wait()
	})
	return c
}

func (c *Connections) add(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = true
	c.made++
}

func (c *Connections) remove(conn net.Conn) {
	_ = conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}

// HangUp closes every connection.
func (c *Connections) HangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
}

// Count returns how many connections are open, and how many were ever made.
func (c *Connections) Count() (open, made int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.made
}
