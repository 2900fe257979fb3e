package live

import (
	"sync"
	"time"

	"hedgerow/internal/fanout"
)

// How many calls are held: those that have begun last, and beside them those that were slow or failed last, which would be gone in no
// time under load. A record takes some 600 bytes.
const (
	lastCalls = 256
	keptCalls = 64
)

// History holds the records of the last calls. It is safe for concurrent use.
type History struct {
	words func(fanout.Reason) string // in words for people; empty for no reason
	slow  func(api string, took time.Duration) bool

	mu         sync.Mutex
	last, kept ring
}

func newHistory(words func(fanout.Reason) string, slow func(api string, took time.Duration) bool) *History {
	return &History{words: words, slow: slow, last: newRing(lastCalls), kept: newRing(keptCalls)}
}

// Begin returns the record of a call that begins.
func (h *History) Begin(b Beginning) *Call {
	c := &Call{history: h, begun: b}
	c.attempts = c.few[:0]
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last.add(c)
	c.number = h.last.added
	return c
}

// isSlow tells whether a call has taken over half of its timeout, or longer than nearly all others of its API.
func (h *History) isSlow(b Beginning, took time.Duration) bool {
	return took > b.Timeout/2 || h.slow(b.API, took)
}

func (h *History) keep(c *Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept.add(c)
}

// ring holds the calls that were added last.
type ring struct {
	calls []*Call
	added uint64 // in all
}

func newRing(size int) ring { return ring{calls: make([]*Call, size)} }

func (r *ring) add(c *Call) {
	r.calls[r.added%uint64(len(r.calls))] = c
	r.added++
}

// after returns the calls that were added after the first n, at most limit, the oldest first. The newest are never left out.
func (r *ring) after(n uint64, limit int) []*Call {
	fresh := min(r.added-n, uint64(len(r.calls)), uint64(limit)) //nolint:gosec // no limit is negative
	calls := make([]*Call, 0, fresh)
	for i := r.added - fresh; i < r.added; i++ {
		calls = append(calls, r.calls[i%uint64(len(r.calls))])
	}
	return calls
}
