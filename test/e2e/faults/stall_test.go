package faults

import (
	"flag"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/test/e2e/harness"
)

var stall = flag.Duration("stall", 10*time.Second, "how long browsers stall on the live page")

// TestFiftyBrowsersThatStallOnTheLivePageCostNothing compares the service with them and without. For longer: go test ./faults -run Stall
// -stall 5m.
func TestFiftyBrowsersThatStallOnTheLivePageCostNothing(t *testing.T) {
	const browsers, allowed = 50, 8 * harness.MemoryFactor // MiB
	s := start(t, healthy, collectsOften)
	steadyLoad(t, s.Addr, time.Second)
	baseline := atRest(t, s.Hedgerow)
	alone := steadyLoad(t, s.Addr, *stall/2)

	end := stallOn(t, s.Hedgerow, browsers)
	steadyLoad(t, s.Addr, 2*time.Second)
	before, began := residentMiB(t, s.Hedgerow), processorTime(t, s.Hedgerow)
	beside := steadyLoad(t, s.Addr, *stall)
	spent, after := processorTime(t, s.Hedgerow)-began, residentMiB(t, s.Hedgerow)
	end()

	t.Logf("p50 %v, p99 %v alone; p50 %v, p99 %v beside %d stalled browsers for %v; %d MiB at first, %d MiB at last; %v of processor time per call",
		alone.quantile(.5), alone.quantile(.99), beside.quantile(.5), beside.quantile(.99), browsers, *stall, before, after, spent/time.Duration(len(beside)))
	assert.LessOrEqual(t, after, before+allowed, "MiB")
	assert.LessOrEqual(t, beside.quantile(.5), 2*alone.quantile(.5)+noise)
	assert.LessOrEqual(t, beside.quantile(.99), 2*alone.quantile(.99)+noise)
	// Each connection that the service still held would have a goroutine. How many it keeps to the upstream depends on the load.
	eventually(t, 10*time.Second, "the goroutines of the browsers to be gone", func() bool { return holds(t, s.Hedgerow).goroutines <= baseline.goroutines })
}

// stallOn opens streams of the live page that nobody reads, each anew every few seconds, as the service cuts those that stall. It returns
// when each has begun. What it returns ends them.
func stallOn(t *testing.T, h *harness.Hedgerow, n int) (end func()) {
	t.Helper()
	stop := make(chan struct{})
	var all, begun sync.WaitGroup
	begun.Add(n)
	for range n {
		all.Go(func() {
			began := sync.OnceFunc(begun.Done)
			defer began()
			for {
				conn, err := openStream(h.AdminAddr)
				if err != nil {
					t.Error(err)
					return
				}
				began()
				select {
				case <-time.After(15 * time.Second):
				case <-stop:
				}
				_ = conn.Close()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	begun.Wait()
	stopped := sync.OnceFunc(func() { close(stop); all.Wait() })
	t.Cleanup(stopped)
	return stopped
}

// openStream asks for a stream of the live page, on a connection that takes little without being read, and reads how its answer begins.
func openStream(addr string) (net.Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	err = conn.(*net.TCPConn).SetReadBuffer(4096)
	if err == nil {
		_, err = io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	const well = "HTTP/1.1 200 OK\r\n"
	begins := make([]byte, len(well))
	if err == nil {
		_, err = io.ReadFull(conn, begins)
	}
	if err == nil && string(begins) != well {
		err = fmt.Errorf("the stream begins with %q", begins)
	}
	return conn, err
}
