package compose

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/metricstest"
)

// calls counts how calls ended. It is safe for concurrent use.
type calls struct {
	mu       sync.Mutex
	answered int
	last     time.Time // when the last answer came
	slowest  time.Duration
	lost     []string
}

// make makes a call that a healthy service answers with 200 whatever the upstream API does. It returns false when nobody listens.
func (c *calls) make(client *http.Client, base string) bool {
	start := time.Now()
	status, _, body, err := getWith(client, base+"/api/within-timeout?timeout=1000")
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	// What the kernel had queued and the service never accepted when it stopped listening is reset. A service that loses an
	// accepted call closes the connection, which is another error.
	if client == oneConnectionEach && errors.Is(err, syscall.ECONNRESET) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || status != http.StatusOK {
		c.lost = append(c.lost, fmt.Sprintf("%s %d %s %v", time.Now().Format("15:04:05.000"), status, body, err))
		return true
	}
	c.answered++
	c.last = time.Now()
	c.slowest = max(c.slowest, c.last.Sub(start))
	return true
}

func TestStopDuringCallsLosesNone(t *testing.T) {
	withEachCompose(t, func(t *testing.T, p *project) {
		p.up(t)
		// The container's own address, since behind the published port on the loopback interface the engine's own proxy accepts
		// connections whether or not anybody listens.
		url := "http://" + p.containers(t, "api")[0].ip() + ":5000"
		waitUntilReady(t, url)
		var made calls
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && made.make(oneConnectionEach, url); {
				}
			})
		}
		time.Sleep(time.Second)
		stop := time.Now()
		p.run(t, "stop", "api")
		callers.Wait()
		t.Logf("%d calls answered, the last %.1f s after the stop", made.answered, made.last.Sub(stop).Seconds())
		assert.Empty(t, made.lost)
		assert.Greater(t, made.answered, 30)
		assert.Greater(t, made.last.Sub(stop), 3*time.Second, "it goes on answering for HEDGEROW_SHUTDOWN_DELAY")
		assert.Zero(t, p.containers(t, "api")[0].State.ExitCode)
	})
}

func TestOfThreeReplicasBehindTheProxyOneStopsAndStartsUnderLoadAndNoCallFails(t *testing.T) {
	withEachCompose(t, func(t *testing.T, p *project) {
		p.run(t, "--profile=replicas", "up", "--detach", "--no-build", "--scale=api=3")
		replicas := p.containers(t, "api")
		require.Len(t, replicas, 3)
		url := p.containers(t, "proxy")[0].url(t)
		waitUntilReady(t, url)

		var made calls
		load, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		var callers sync.WaitGroup
		callers.Go(func() { made.steadily(load, url, 30, &callers) })
		for _, replica := range replicas {
			eventually(t, 10*time.Second, "every replica gets calls", func() bool { return replica.callsServed(t) > 0 })
		}
		stopped := replicas[0]
		_, err := docker("stop", stopped.ID)
		require.NoError(t, err)
		time.Sleep(3 * time.Second)
		_, err = docker("start", stopped.ID)
		require.NoError(t, err)
		stopped = inspect(t, stopped.ID)[0]
		took := eventually(t, 10*time.Second, "the replica gets calls again", func() bool { return stopped.callsServed(t) > 0 })
		time.Sleep(3 * time.Second)
		end()
		callers.Wait()
		t.Logf("%d calls answered, the slowest in %v; the replica served again %.1f s after its start",
			made.answered, made.slowest.Round(time.Millisecond), took.Seconds())
		assert.Empty(t, made.lost)
		assert.Greater(t, made.answered, 200)
	})
}

// steadily makes perSecond calls a second, whether or not earlier ones have ended, until ctx is done. Every other one may use a
// connection of earlier calls. callers waits for them.
func (c *calls) steadily(ctx context.Context, url string, perSecond int, callers *sync.WaitGroup) {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	clients := []*http.Client{oneConnectionEach, keptConnections}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			callers.Go(func() {
				if !c.make(clients[i%2], url) {
					c.mu.Lock()
					c.lost = append(c.lost, "the proxy refused a connection")
					c.mu.Unlock()
				}
			})
		}
	}
}

// callsServed asks the container's metrics how many calls it has answered since its start, 0 while nobody listens.
func (c container) callsServed(t *testing.T) int {
	t.Helper()
	scrape, err := metricstest.Fetch(c.ip() + ":5001")
	if err != nil {
		return 0
	}
	return int(scrape.Sum("hedgerow_calls_total", "endpoint", "/api/within-timeout", "status", "200"))
}
