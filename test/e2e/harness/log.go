package harness

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log is what a process has written to standard error so far. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed and renewed at each write
}

func newLog() *Log { return &Log{more: make(chan struct{})} }

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.text.Write(b)
}

func (l *Log) String() string {
	text, _ := l.state()
	return text
}

func (l *Log) state() (text string, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.more
}

// Lines returns every line with a field of that value. Lines that are no JSON are left out.
func (l *Log) Lines(key string, value any) []map[string]any { return matching(l.String(), key, value) }

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

// Wait returns the first line with a field of that value. It fails the test after ten seconds.
func (l *Log) Wait(t testing.TB, key string, value any) map[string]any {
	t.Helper()
	line, ok := l.wait(key, value, nil)
	if !ok {
		t.Fatalf("no line with %s=%v in the log:\n%s", key, value, l)
	}
	return line
}

// wait gives up after ten seconds, or when nothing more will come because the process has ended.
func (l *Log) wait(key string, value any, ended <-chan struct{}) (line map[string]any, ok bool) {
	timeout := time.After(10 * time.Second)
	for {
		text, more := l.state()
		if found := matching(text, key, value); found != nil {
			return found[0], true
		}
		select {
		case <-more:
		case <-ended:
			return nil, false
		case <-timeout:
			return nil, false
		}
	}
}
