package gateway

import "sync/atomic"

// Buffer bounds the bytes of bodies that all calls hold at a time, of requests and answers together. It is safe for concurrent use.
type Buffer struct {
	limit int64
	held  atomic.Int64
}

// NewBuffer returns a buffer for at most limit bytes.
func NewBuffer(limit int64) *Buffer { return &Buffer{limit: limit} }

// Held returns the bytes held now.
func (b *Buffer) Held() int64 { return b.held.Load() }

func (b *Buffer) take(n int64) bool {
	if b.held.Add(n) <= b.limit {
		return true
	}
	b.held.Add(-n)
	return false
}

// Holding is what one call holds of the buffer. It gives all of it back when the call and its last attempt have ended: until then
// either may read what the other has written.
type Holding struct {
	buffer *Buffer
	bytes  atomic.Int64
	users  atomic.Int64
}

// Hold returns the holding of a call, which has to end it.
func (b *Buffer) Hold() *Holding {
	h := &Holding{buffer: b}
	h.users.Store(1)
	return h
}

// Take adds n bytes. It is false, and adds nothing, when the buffer is full.
func (h *Holding) Take(n int64) bool {
	if !h.buffer.take(n) {
		return false
	}
	h.bytes.Add(n)
	return true
}

// begin adds a user, an attempt.
func (h *Holding) begin() { h.users.Add(1) }

// End takes a user away.
func (h *Holding) End() {
	if h.users.Add(-1) == 0 {
		h.buffer.held.Add(-h.bytes.Swap(0))
	}
}
