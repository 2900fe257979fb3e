package compose

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
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

func TestThreeReplicasBehindTheProxyAreUpdatedOneByOneUnderLoadAndNoCallFails(t *testing.T) {
	next := image + "-next" // the same under another name: what is tried is the change
	_, err := docker("tag", image, next)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = docker("image", "rm", next) })
	withEachCompose(t, func(t *testing.T, p *project) {
		p.run(t, "--profile=replicas", "up", "--detach", "--no-build", "--scale=api=3")
		replicas := p.containers(t, "api")
		require.Len(t, replicas, 3)
		url := p.containers(t, "proxy")[0].url(t)
		waitUntilReady(t, url)

		var made calls
		load, end := context.WithTimeout(t.Context(), 5*time.Minute)
		defer end()
		var callers sync.WaitGroup
		callers.Go(func() { made.steadily(load, url, 30, &callers) })
		for _, replica := range replicas {
			eventually(t, 30*time.Second, "every replica gets calls", func() bool { return replica.callsServed(t) > 0 })
		}
		p.environment = append(p.environment, "HEDGEROW_IMAGE="+next)
		for _, replica := range replicas {
			start := time.Now()
			p.replace(t, replica)
			t.Logf("a replica is replaced after %.1f s", time.Since(start).Seconds())
		}
		require.NoError(t, load.Err(), "there was load all the time")
		end()
		callers.Wait()
		t.Logf("%d calls answered, the slowest in %v", made.answered, made.slowest.Round(time.Millisecond))
		assert.Empty(t, made.lost)
		assert.Greater(t, made.answered, 300)
	})
}

// replace ends a replica, starts one of the project's image in its place and waits until that gets calls.
func (p *project) replace(t *testing.T, old container) {
	t.Helper()
	_, err := docker("stop", old.ID)
	require.NoError(t, err)
	assert.Zero(t, inspect(t, old.ID)[0].State.ExitCode)
	_, err = docker("rm", old.ID)
	require.NoError(t, err)
	others := p.containers(t, "api")
	p.up(t, "--no-deps", "--no-recreate", "--scale=api=3", "api")
	all := p.containers(t, "api")
	require.Len(t, all, 3)
	fresh := slices.DeleteFunc(all, func(c container) bool {
		return slices.ContainsFunc(others, func(other container) bool { return other.ID == c.ID })
	})
	require.Len(t, fresh, 1)
	eventually(t, 30*time.Second, "the new replica gets calls", func() bool { return fresh[0].callsServed(t) > 0 })
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
