package main

import (
	"io"
	"sync"
	"time"
)

const (
	logBufferLimit = 1 << 20               // bytes waiting to be written
	logPause       = 10 * time.Millisecond // between two writes
	logFarewell    = time.Second           // for the last write
)

// logBuffer stands between a log and where it is written, so that a call never waits for that: a pipe whose reader has stalled
// would keep every answer. Lines that come within logPause are written together. Beyond logBufferLimit lines are dropped, and a
// line that tells how many is written in their place.
type logBuffer struct {
	sink   io.Writer
	notice func(lost int) []byte // is the line about lines dropped
	wake   chan struct{}         // there is something to write, or to close
	ended  chan struct{}
	mu     sync.Mutex
	lines  []byte // waiting to be written
	lost   int    // lines dropped since the last write
	closed bool
}

// newLogBuffer returns a buffer before sink. notice makes the line about a number of lines dropped. Close writes the rest.
func newLogBuffer(sink io.Writer, notice func(lost int) []byte) *logBuffer {
	b := &logBuffer{sink: sink, notice: notice, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go b.run()
	return b
}

// Write takes a line. It never waits and never fails.
func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines)+len(line) > logBufferLimit {
		b.lost++
		return len(line), nil
	}
	b.lines = append(b.lines, line...)
	b.signal()
	return len(line), nil
}

func (b *logBuffer) signal() {
	select {
	case b.wake <- struct{}{}:
	default: // awake already
	}
}

func (b *logBuffer) run() {
	defer close(b.ended)
	var lines []byte
	for range b.wake {
		var closed bool
		lines, closed = b.take(lines[:0])
		_, _ = b.sink.Write(lines) // there is no place to complain about the log
		if closed {
			return
		}
		time.Sleep(logPause)
	}
}

// take returns what is to be written, and leaves spare for what comes next.
func (b *logBuffer) take(spare []byte) (lines []byte, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines, b.lines = b.lines, spare
	if b.lost > 0 {
		lines = append(lines, b.notice(b.lost)...)
		b.lost = 0
	}
	return lines, b.closed
}

// Close writes what is left and returns when it has been written, or has not been for logFarewell.
func (b *logBuffer) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.signal()
	select {
	case <-b.ended:
	case <-time.After(logFarewell):
	}
}
