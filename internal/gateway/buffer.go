package gateway

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// Buffer bounds the bytes of bodies that all calls hold at a time, of requests and answers together. Its last quarter is for answers alone:
// if requests took all of it, every one of them would be sent and no answer to them passed on. It is safe for concurrent use.
type Buffer struct {
	limit int64
	held  atomic.Int64
}

// NewBuffer returns a buffer for at most limit bytes.
func NewBuffer(limit int64) *Buffer { return &Buffer{limit: limit} }

// Limit returns the most bytes held at a time.
func (b *Buffer) Limit() int64 { return b.limit }

// ForRequests returns the most bytes of requests.
func (b *Buffer) ForRequests() int64 { return b.limit - b.limit/4 }

// Held returns the bytes held now.
func (b *Buffer) Held() int64 { return b.held.Load() }

func (b *Buffer) take(n, limit int64) bool {
	for {
		held := b.held.Load()
		if n > limit-held {
			return false
		}
		if b.held.CompareAndSwap(held, held+n) {
			return true
		}
	}
}

// Holding is what one call holds of the buffer. It gives all of it back when the call and its last attempt have ended: until then
// either may read what the other has written.
type Holding struct {
	buffer *Buffer
	bytes  atomic.Int64
	users  atomic.Int64

	mu     sync.Mutex
	bodies []*bytes.Buffer // of answers
}

// bodies are memory for answers. Without it, bodies would be most of a proxy's garbage.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keptBody is the largest memory of a body that is used again.
const keptBody = 1 << 20

// Hold returns the holding of a call, which has to end it.
func (b *Buffer) Hold() *Holding {
	h := &Holding{buffer: b}
	h.users.Store(1)
	return h
}

// Take adds n bytes of an answer. It is false, and adds nothing, when the buffer is full.
func (h *Holding) Take(n int64) bool { return h.take(n, h.buffer.limit) }

// TakeRequest adds n bytes of the request. It is false, and adds nothing, when three quarters of the buffer are full.
func (h *Holding) TakeRequest(n int64) bool { return h.take(n, h.buffer.ForRequests()) }

func (h *Holding) take(n, limit int64) bool {
	if n > 0 && !h.buffer.take(n, limit) { // the end of a body needs no room
		return false
	}
	h.bytes.Add(n)
	return true
}

// Body returns memory for an answer's body. Nobody may look at it when the holding has ended.
func (h *Holding) Body() *bytes.Buffer {
	b := bodies.Get().(*bytes.Buffer)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bodies = append(h.bodies, b)
	return b
}

// begin adds n users, attempts.
func (h *Holding) begin(n int) { h.users.Add(int64(n)) }

// endAll takes n users away.
func (h *Holding) endAll(n int) {
	for range n {
		h.End()
	}
}

// End takes a user away.
func (h *Holding) End() {
	if h.users.Add(-1) > 0 {
		return
	}
	h.buffer.held.Add(-h.bytes.Swap(0))
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.bodies {
		if b.Cap() <= keptBody {
			b.Reset()
			bodies.Put(b)
		}
	}
	h.bodies = nil
}
