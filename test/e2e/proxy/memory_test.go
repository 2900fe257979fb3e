package proxy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/e2e/rawhttp"
)

var (
	heap     = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
	buffered = regexp.MustCompile(`(?m)^hedgerow_buffered_bytes ([\d.e+]+)$`)
)

// liveMiB is the memory that the process uses after a garbage collection, in MiB.
func (s *service) liveMiB(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(heap.FindStringSubmatch(s.admin(t, "/debug/pprof/heap?gc=1&debug=1"))[1])
	require.NoError(t, err)
	return n >> 20
}

// bufferedBytes is what the service says of the bodies that it holds.
func (s *service) bufferedBytes(t *testing.T) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(buffered.FindStringSubmatch(s.admin(t, "/metrics"))[1], 64)
	require.NoError(t, err)
	return n
}

func TestOfManyCallersWithABodyAtOnceThoseAreRefusedThatThereIsNoRoomFor(t *testing.T) {
	const callers, mebibyte = 200, 1 << 20
	gate := make(chan struct{})
	a := rawhttp.Serve(t, func(string) rawhttp.Reply {
		<-gate
		return rawhttp.OK("{}")
	})
	s := start(t, "  a: {url: '"+a.URL()+"', methods: [POST], timeout: 60s}\n", a)
	// One text for all: this process has to keep up with the service.
	text := fmt.Sprintf("POST /proxy/a/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", mebibyte) + strings.Repeat("x", mebibyte)
	live, resident := s.liveMiB(t), s.residentMiB(t)
	var passed, refused atomic.Int64
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			answer := ""
			for answer == "" { // where this process is starved, its request comes after the header timeout
				answer = s.exchange(t, text)
			}
			got := rawhttp.Split(answer)
			switch got.Status() {
			case "200":
				passed.Add(1)
			case "503":
				refused.Add(1)
				assert.Equal(t, []string{"Retry-After: 1"}, got.All("Retry-After"))
				assert.Equal(t, []string{"Content-Type: application/problem+json"}, got.All("Content-Type"))
			default:
				t.Errorf("unexpected: %q", got.Line)
			}
		})
	}
	assert.Eventually(t, func() bool { return refused.Load() >= callers-maxRequests }, patience, 50*time.Millisecond)
	assert.GreaterOrEqual(t, s.bufferedBytes(t), float64(mebibyte))
	assert.LessOrEqual(t, s.bufferedBytes(t), float64(maxRequests<<20), "the rest is for answers")
	resident, live = s.residentMiB(t)-resident, s.liveMiB(t)-live
	close(gate)
	calling.Wait()
	assert.LessOrEqual(t, passed.Load(), int64(maxRequests))
	assert.Positive(t, passed.Load())
	t.Logf("%d passed; live memory grew by %d MiB, the process by %d MiB", passed.Load(), live, resident)
	assert.LessOrEqual(t, live, 2*maxBuffered, "MiB in use: a body's memory doubles as it comes")
	if !harness.Raced {
		assert.LessOrEqual(t, resident, 16*maxBuffered, "MiB of the process, with what awaits the garbage collection, for %d MiB of bodies sent", callers)
	}
}
