package logs

import (
	"sync"
	"time"
)

// interval is the least time between two lines that say the same.
const interval = time.Minute

// Limit is for what happens again and again and is logged once a minute. Its zero value is ready. It is safe for concurrent use.
type Limit struct {
	mu       sync.Mutex
	next     time.Time // when the next line may be written
	unlogged int       // since the last line
}

// Due reports whether a line may be written now, and how many were left out since the last one.
func (l *Limit) Due() (unlogged int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.next) {
		l.unlogged++
		return 0, false
	}
	unlogged, l.unlogged = l.unlogged, 0
	l.next = now.Add(interval)
	return unlogged, true
}
