package logs

import (
	"io"
	"sync"
	"time"
)

const (
	bufferLimit = 1 << 20               // bytes waiting to be written
	pause       = 10 * time.Millisecond // between two writes
	farewell    = time.Second           // for the last write
)

// buffer stands between the log and the place it is written to, so that no call waits for a write: a pipe whose reader has stalled
// would hold every answer. Lines that come within pause are written together. Beyond bufferLimit lines are dropped, and one line gives
// their number. When the reader has gone, lines are lost.
type buffer struct {
	sink   io.Writer
	notice func(lost int) []byte // is the line about lines dropped
	wake   chan struct{}         // there is something to write, or to close
	ended  chan struct{}
	mu     sync.Mutex
	lines  []byte // waiting to be written
	lost   int    // lines dropped since the last write
	closed bool
}

// newBuffer returns a buffer before sink. notice makes the line about a number of lines dropped. Close writes the rest.
func newBuffer(sink io.Writer, notice func(lost int) []byte) *buffer {
	b := &buffer{sink: sink, notice: notice, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go b.run()
	return b
}

// Write takes a line. It never waits and never fails.
func (b *buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines)+len(line) > bufferLimit {
		b.lost++
		return len(line), nil
	}
	b.lines = append(b.lines, line...)
	b.signal()
	return len(line), nil
}

func (b *buffer) signal() {
	select {
	case b.wake <- struct{}{}:
	default: // awake already
	}
}

func (b *buffer) run() {
	defer close(b.ended)
	var lines []byte
	for range b.wake {
		var closed bool
		lines, closed = b.take(lines[:0])
		_, _ = b.sink.Write(lines) // an error of the log cannot be logged
		if closed {
			return
		}
		time.Sleep(pause)
	}
}

// take returns the lines to write, and leaves spare for those that come next.
func (b *buffer) take(spare []byte) (lines []byte, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines, b.lines = b.lines, spare
	if b.lost > 0 {
		lines = append(lines, b.notice(b.lost)...)
		b.lost = 0
	}
	return lines, b.closed
}

// Close writes the lines that are left. It returns when that is done, after farewell at the latest. It never fails.
func (b *buffer) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.signal()
	select {
	case <-b.ended:
	case <-time.After(farewell):
	}
	return nil
}
