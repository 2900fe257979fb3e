package faults

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
)

const (
	head    = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
	maxBody = 1 << 20
)

// fault is what an upstream API does to every request, and what comes of it.
type fault struct {
	behaviour faultserver.Behaviour
	// reason is why each attempt fails; empty when it ends at the deadline.
	reason string
	// within is how soon a call fails when all attempts do; zero: 20 ms.
	within time.Duration
}

// silences end at the deadline.
func silences() map[string]fault {
	return map[string]fault{
		"accepts and stays silent":     {behaviour: faultserver.Hang("")},
		"stops in the headers":         {behaviour: faultserver.Hang(head + "Content-Len")},
		"stops in the body":            {behaviour: faultserver.Hang(head + "Content-Length: 10\r\n\r\n{\"ti")},
		"trickles the headers":         {behaviour: faultserver.Trickle(head+"Content-Length: 10\r\n\r\n", 50*time.Millisecond)},
		"trickles the body":            {behaviour: faultserver.Trickle(head+"Content-Length: 99\r\n\r\n"+strings.Repeat(" ", 99), 10*time.Millisecond)},
		"trickles chunks":              {behaviour: faultserver.Trickle(chunked+strings.Repeat("1\r\n \r\n", 99), 5*time.Millisecond)},
		"stops in a compressed body":   {behaviour: faultserver.Hang(head + "Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n\x1f\x8b")},
		"sends an interim answer only": {behaviour: faultserver.Hang("HTTP/1.1 103 Early Hints\r\n\r\n")},
	}
}

// failures fail at once.
func failures(t *testing.T) map[string]fault {
	t.Helper()
	corrupt := []byte(zipped(t, `{"time":1}`))
	corrupt[len(corrupt)-6] ^= 0xff // in the checksum
	status := func(n int) fault {
		return fault{behaviour: faultserver.Status(n, `{"time":1}`), reason: fmt.Sprintf("status %d", n)}
	}
	body := func(text string) fault { return fault{behaviour: faultserver.JSON(text), reason: "invalid body"} }
	text := func(text, reason string) fault { return fault{behaviour: faultserver.Raw(text, false), reason: reason} }
	return map[string]fault{
		"204":                       {behaviour: faultserver.Raw("HTTP/1.1 204 No Content\r\n\r\n", true), reason: "status 204"},
		"206":                       status(206),
		"302":                       {behaviour: faultserver.Status(302, "", "Location: /elsewhere"), reason: "status 302"},
		"404":                       status(404),
		"429":                       status(429),
		"500":                       status(500),
		"HTML with 200":             text("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>{\"time\":1}</html>", "invalid body"),
		"empty":                     body(``),
		"null":                      body(`null`),
		"an array":                  body(`[]`),
		"an empty object":           body(`{}`),
		"time is a string":          body(`{"time":"1"}`),
		"time has a fraction":       body(`{"time":1.5}`),
		"time has an exponent":      body(`{"time":1e400}`),
		"Time is not time":          body(`{"Time":5}`),
		"two values":                body(`{"time":1}{"time":2}`),
		"cut JSON":                  body(`{"time":1`),
		"200,000 brackets":          {faultserver.JSON(strings.Repeat("[", 200_000)), "invalid body", 100 * time.Millisecond},
		"body shorter than it says": text(head+"Content-Length: 11\r\n\r\n{\"time\":1}", "incomplete body"),
		"bad chunk":                 text(chunked+"zz\r\n{\"time\":1}", "incomplete body"),
		"missing last chunk":        text(chunked+"a\r\n{\"time\":1}\r\n", "incomplete body"),
		"corrupt gzip":              {behaviour: faultserver.Status(200, string(corrupt), "Content-Encoding: gzip"), reason: "corrupt body"},
		"gzip that is none":         {behaviour: faultserver.Status(200, `{"time":1}`, "Content-Encoding: gzip"), reason: "corrupt body"},
		"garbage status line":       text("It works!\r\n\r\n", "invalid response"),
		"reset":                     {behaviour: faultserver.Reset(""), reason: "connection reset"},
		"reset in the body":         {behaviour: faultserver.Reset(head + "Content-Length: 11\r\n\r\n{\"time\":1}"), reason: "connection reset"},
		"close":                     {behaviour: faultserver.Close(), reason: "connection closed"},
	}
}

// floods fail at the limit.
func floods(t *testing.T) map[string]fault {
	t.Helper()
	const soon = 200 * time.Millisecond // three times 1 MiB to be read, or to be decompressed
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 32<<10, strings.Repeat(" ", 32<<10))
	bomb := zipped(t, strings.Repeat(" ", 64*maxBody))
	return map[string]fault{
		"endless body":    {faultserver.Endless(chunked, chunk), "body too large", soon},
		"gzip bomb":       {faultserver.Status(200, bomb, "Content-Encoding: gzip"), "body too large", soon},
		"endless headers": {faultserver.Endless("HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1000)+"\r\n"), "invalid response", soon},
	}
}

func zipped(t *testing.T, plain string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(plain))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// changeable is a behaviour that a test can change.
type changeable struct {
	now atomic.Pointer[faultserver.Behaviour]
}

func (c *changeable) set(b faultserver.Behaviour) { c.now.Store(&b) }

func (c *changeable) behave(conn net.Conn) bool { return (*c.now.Load())(conn) }

func TestAnUpstreamThatFailsAtOnceFailsTheAttemptAndNothingLeaks(t *testing.T) {
	rows := failures(t)
	maps.Copy(rows, floods(t))
	testFaults(t, rows)
}

func TestAnUpstreamThatIsSlowerThanTheTimeoutEndsAtTheDeadlineAndNothingLeaks(t *testing.T) {
	testFaults(t, silences())
}

// testFaults runs every row by every strategy against one service, which is at its baseline after each.
func testFaults(t *testing.T, rows map[string]fault) {
	t.Helper()
	var upstream changeable
	upstream.set(faultserver.Raw(head+"Content-Length: 10\r\nConnection: close\r\n\r\n{\"time\":1}", false))
	s := start(t, upstream.behave)
	for _, path := range strategies {
		assert.Equal(t, http.StatusOK, get(t, s.Hedgerow, path+longTimeout).StatusCode)
	}
	baseline := atRest(t, s.Hedgerow)
	for name, f := range rows {
		t.Run(name, func(t *testing.T) {
			// An attempt that finds its connection gone is made again on a new one, unless it had a new one.
			upstream.set(f.behaviour)
			if f.reason == "" {
				requireTimedOut(t, s.Hedgerow)
			} else {
				requireFailed(t, s.Hedgerow, f.reason, f.within)
			}
			// Idle connections are no leak. They end when the upstream answers for the last time on each.
			requireNoLeakButIdle(t, s, baseline)
		})
	}
}

// requireNoLeakButIdle is requireNoLeak with what an idle connection to the upstream needs for itself: a socket and two goroutines.
func requireNoLeakButIdle(t *testing.T, s *service, baseline held) {
	t.Helper()
	requireIdle(t, s.Hedgerow)
	idle, _ := s.upstream.Connections()
	require.LessOrEqual(t, idle, 3*len(strategies), "no more connections than attempts at a time")
	allowed := baseline
	allowed.sockets += idle
	allowed.goroutines += 2 * idle
	requireNoLeak(t, s.Hedgerow, allowed)
}

// requireIdle waits until no attempt is in flight.
func requireIdle(t *testing.T, h *harness.Hedgerow) {
	t.Helper()
	eventually(t, 5*time.Second, "every attempt to end", func() bool {
		return metric(t, h, "hedgerow_attempts_in_flight", "") == 0
	})
}

// requireFailed makes a call by each strategy and checks that it fails in time: the limit, or 20 ms.
func requireFailed(t *testing.T, h *harness.Hedgerow, reason string, limit time.Duration) {
	t.Helper()
	if limit == 0 {
		limit = 20 * time.Millisecond
	}
	for _, path := range strategies {
		quickest(t, limit, path, func() time.Duration {
			a := get(t, h, path+longTimeout)
			if path == "/api/within-timeout" {
				assert.Equal(t, http.StatusOK, a.StatusCode)
				assert.Equal(t, "[]", a.body)
				return a.took
			}
			assert.Equal(t, http.StatusBadGateway, a.StatusCode, path)
			failed := "failed: " + reason
			assert.Equal(t, []string{failed, failed, failed}, a.tell(), path)
			return a.took
		})
	}
}

// requireTimedOut makes calls by all strategies at a time and checks that they end at the deadline. A strategy that was late, maybe
// because the machine was, gets further tries.
func requireTimedOut(t *testing.T, h *harness.Hedgerow) {
	t.Helper()
	const timeout = 400 * time.Millisecond // the hedges of smart run too
	late := strategies
	for tries := 0; len(late) > 0; tries++ {
		require.Less(t, tries, 8, "%v are late again and again", late)
		requireIdle(t, h) // no losers of calls before
		var again []string
		for path, a := range atATime(t, h, late, fmt.Sprintf("?timeout=%d", timeout.Milliseconds())) {
			assert.GreaterOrEqual(t, a.took, timeout-time.Millisecond, path)
			if a.took > timeout+noise {
				again = append(again, path)
			}
			if path == "/api/within-timeout" {
				assert.Equal(t, http.StatusOK, a.StatusCode)
				assert.Equal(t, "[]", a.body)
				continue
			}
			assert.Equal(t, http.StatusGatewayTimeout, a.StatusCode, path)
			assert.Equal(t, []string{"timed_out", "timed_out", "timed_out"}, a.tell(), path)
		}
		late = again
	}
}

// atATime makes a call to each path at a time.
func atATime(t *testing.T, h *harness.Hedgerow, paths []string, query string) map[string]answer {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]answer{}
	var calls sync.WaitGroup
	for _, path := range paths {
		calls.Go(func() {
			a, err := call(t, h, http.MethodGet, path+query)
			if assert.NoError(t, err) {
				mu.Lock()
				defer mu.Unlock()
				answers[path] = a
			}
		})
	}
	calls.Wait()
	require.Len(t, answers, len(paths))
	return answers
}
