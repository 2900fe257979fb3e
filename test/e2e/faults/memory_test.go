package faults

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
)

// collectsOften keeps garbage few. Otherwise a small heap grows to 48 MiB, which would hide a leak or look like one.
const collectsOften = "GOGC=100"

func TestAFloodFromTheUpstreamLeavesTheMemoryFlatOverAThousandRepeats(t *testing.T) {
	const allowed = 16 * harness.MemoryFactor // MiB. What 900 repeats read is 225 MiB of bodies, 28 MiB of headers.
	for _, f := range faultserver.Faults(faultserver.Flood) {
		t.Run(f.Name, func(t *testing.T) {
			s := start(t, f.Behaviour, collectsOften, "HEDGEROW_PRODUCERS=1", "HEDGEROW_MAX_BODY=256KiB")
			repeat(t, s.Hedgerow, 100)
			before := residentMiB(t, s.Hedgerow)
			repeat(t, s.Hedgerow, 900)
			after := residentMiB(t, s.Hedgerow)
			assert.LessOrEqual(t, after, before+allowed, "%d MiB after 100 repeats", before)
			require.Equal(t, 1000, metric(t, s.Hedgerow, "hedgerow_attempt_failures_total", "reason", f.Reason))
			assert.GreaterOrEqual(t, s.upstream.Requests(), 1000)
		})
	}
}

// repeat makes n calls, four at a time, each of which fails.
func repeat(t *testing.T, h *harness.Hedgerow, n int64) {
	t.Helper()
	var callers sync.WaitGroup
	var made atomic.Int64
	for range 4 {
		callers.Go(func() {
			for made.Add(1) <= n {
				response, err := http.Get(h.URL() + "/api/first" + longTimeout)
				if err != nil {
					t.Error(err)
					return
				}
				assert.Equal(t, http.StatusBadGateway, response.StatusCode)
				assert.NoError(t, response.Body.Close())
			}
		})
	}
	callers.Wait()
}
