// Package reload has the file of APIs read again, very often, while calls run.
package reload

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	reloads  = 100
	between  = 100 // calls, from one reload to the next
	pace     = time.Millisecond
	callers  = 20
	patience = 20 * time.Second
)

func TestAFileThatIsReadAgainAndAgainUnderLoadFailsNoCallAndLeavesNothingBehind(t *testing.T) {
	kept, other, changed := newAPI(t), newAPI(t), newAPI(t)
	s := start(t, kept, other, changed)
	s.warmUp(t, kept, other)
	for range 10 { // what is made once has been made by then
		s.change(t)
	}
	before := s.atRest(t)
	dialled := changed.connections()

	load := begin(s)
	began := time.Now()
	for i := range reloads {
		load.waitFor(t, int64((i+1)*between))
		switch i {
		case 30:
			s.refuse(t, "a bad file", func() { s.write(t, "apis:\n  changed: {url: nope}\n  more: 5\n") })
		case 60:
			s.refuse(t, "a file that vanishes", func() { require.NoError(t, os.Remove(s.file)) })
		}
		s.change(t)
	}
	load.waitFor(t, (reloads+1)*between)
	calls := load.end(t)
	took := time.Since(began)
	t.Logf("%d calls, %d reloads in %v: %.0f calls/s", calls, reloads, took.Round(time.Millisecond), float64(calls)/took.Seconds())

	for name, api := range map[string]*api{"kept": kept, "other": other} {
		assert.LessOrEqual(t, api.connections(), 2*callers, "the connections to %s are kept: it did not change", name)
	}
	assert.GreaterOrEqual(t, changed.connections()-dialled, reloads, "an API that changed has connections of its own")
	s.assertNothingGrew(t, before)
}

// load is calls on their way, to each API in turn.
type load struct {
	service *service
	calls   atomic.Int64
	stop    chan struct{}
	running sync.WaitGroup
	mu      sync.Mutex
	failed  []string
}

// begin makes a call each pace, or as many as the machine can.
func begin(s *service) *load {
	l := &load{service: s, stop: make(chan struct{})}
	ticks := make(chan struct{})
	l.running.Go(func() {
		defer close(ticks)
		ticker := time.NewTicker(pace)
		defer ticker.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-ticker.C:
			}
			select {
			case ticks <- struct{}{}:
			case <-l.stop:
				return
			}
		}
	})
	for range callers {
		l.running.Go(func() {
			for range ticks {
				l.call()
			}
		})
	}
	return l
}

func (l *load) call() {
	name := names[l.calls.Add(1)%int64(len(names))]
	atLeast := l.service.applied.Load()
	got, err := l.service.call(name)
	atMost := l.service.written.Load()
	switch {
	case err != nil:
	case name == "changed" && (got < atLeast || got > atMost):
		err = fmt.Errorf("settings %d, from %d to %d expected", got, atLeast, atMost)
	case name != "changed" && got != 0:
		err = fmt.Errorf("settings %d of an API that has none", got)
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.failed = append(l.failed, name+": "+err.Error())
	}
}

func (l *load) waitFor(t *testing.T, calls int64) {
	t.Helper()
	require.Eventually(t, func() bool { return l.calls.Load() >= calls }, 3*patience, time.Millisecond)
}

// end ends the load and returns the number of its calls. None may have failed.
func (l *load) end(t *testing.T) int64 {
	t.Helper()
	close(l.stop)
	l.running.Wait()
	assert.Empty(t, l.failed, "no call fails")
	return l.calls.Load()
}

// change writes settings that only one API has not had before, and returns when they hold.
func (s *service) change(t *testing.T) {
	t.Helper()
	version := s.written.Add(1)
	s.write(t, s.text(version))
	s.signal(t)
	require.Eventually(t, func() bool {
		got, err := s.call("changed")
		return err == nil && got == version
	}, patience, time.Millisecond, "the new settings hold")
	s.applied.Store(version)
}

// refuse spoils the file, and checks that the old settings stay.
func (s *service) refuse(t *testing.T, what string, spoil func()) {
	t.Helper()
	const told = "the file of APIs cannot be read again, and nothing changes"
	count := func() int { return strings.Count(s.Log.String(), told) } // the log is long: nobody parses it
	before := count()
	spoil()
	s.signal(t)
	require.Eventually(t, func() bool { return count() > before }, patience, 10*time.Millisecond, what)
	for range 2 * between {
		got, err := s.call("changed")
		require.NoError(t, err, what)
		require.Equal(t, s.applied.Load(), got, what)
	}
}

func (s *service) signal(t *testing.T) {
	t.Helper()
	require.NoError(t, s.Process.Signal(syscall.SIGHUP))
}
