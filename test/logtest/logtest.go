// Package logtest collects the log of what is tested and lets a test wait for a line of it.
package logtest

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long Wait waits for a line.
const patience = 10 * time.Second

// Log is what has been written to it so far, one JSON object a line. The zero value is ready to use, by many goroutines at once.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed at the next write; nil while nobody waits
}

// Write adds to the log. It never fails.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.text.Write(b)
}

// String returns everything written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Lines returns every line so far that has a field of that value. A line that is not a JSON object is left out.
func (l *Log) Lines(key string, value any) []map[string]any { return matching(l.String(), key, value) }

// Wait returns the first line that has a field of that value. It fails the test when none has come within ten seconds.
func (l *Log) Wait(t testing.TB, key string, value any) map[string]any {
	t.Helper()
	line, ok := l.WaitUnless(nil, key, value)
	if !ok {
		t.Fatalf("no line with %s=%v in the log:\n%s", key, value, l)
	}
	return line
}

// WaitUnless is Wait without a test. It returns false after ten seconds, or when ended is closed because nothing more will come.
func (l *Log) WaitUnless(ended <-chan struct{}, key string, value any) (line map[string]any, ok bool) {
	timeout := time.After(patience)
	for over := false; ; {
		text, more := l.state()
		if found := matching(text, key, value); found != nil {
			return found[0], true
		}
		if over {
			return nil, false
		}
		select {
		case <-more:
		case <-ended:
			over = true // look once more: the line may have come just before the end
		case <-timeout:
			over = true
		}
	}
}

func (l *Log) state() (text string, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more == nil {
		l.more = make(chan struct{})
	}
	return l.text.String(), l.more
}

func matching(text, key string, value any) []map[string]any {
	var found []map[string]any
	for line := range strings.Lines(text) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields[key] == value {
			found = append(found, fields)
		}
	}
	return found
}
