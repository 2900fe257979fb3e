package replicas

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/internal/quota"
	"hedgerow/test/logtest"
)

const ms = time.Millisecond

var errGone, errFull = errors.New("connection refused"), errors.New("out of memory")

// memory is a store that does in memory what the scripts do in Redis.
type memory struct {
	mu       sync.Mutex
	whole    map[string]time.Time
	lives    map[string]time.Time
	delay    time.Duration // of each answer
	gone     bool
	full     bool  // nothing can be written
	locked   error // the answer to every take
	mute     error // the answer to whoever publishes or listens
	commands int
	now      func() time.Time
	heard    []func(string) // of those who listen
}

func newMemory() *memory {
	return &memory{whole: map[string]time.Time{}, lives: map[string]time.Time{}, delay: ms / 4, now: time.Now}
}

// set changes how it answers.
func (m *memory) set(change func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// asked is how many commands it has had.
func (m *memory) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commands
}

func (m *memory) answer() error {
	m.mu.Lock()
	delay := m.delay
	m.mu.Unlock()
	time.Sleep(min(delay, commandTimeout))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commands++
	if m.gone || delay > commandTimeout {
		return errGone
	}
	return nil
}

func (m *memory) beat(name string) (int, error) {
	if err := m.answer(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return 0, errFull
	}
	m.lives[name] = time.Now()
	alive := 0
	for _, last := range m.lives {
		if time.Since(last) < lifetime {
			alive++
		}
	}
	return alive, nil
}

func (m *memory) leave(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lives, name)
	return nil
}

func (m *memory) take(key string, o order) (grant, error) {
	if err := m.answer(); err != nil {
		return grant{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	whole := m.whole[key]
	if whole.Before(now) {
		whole = now
	}
	turn := whole.Sub(now) - time.Duration(o.burst-1)*o.every
	room := func(later time.Duration) int { return max(0, int(math.Floor(float64(later-turn)/float64(o.every)))+1) }
	taken := min(o.firsts, room(o.ahead))
	taken += max(0, min(o.more, room(0)-taken))
	if m.full && taken > 0 {
		return grant{}, errFull
	}
	if m.locked != nil {
		return grant{}, m.locked
	}
	m.whole[key] = whole.Add(time.Duration(taken) * o.every)
	return grant{granted: taken, turn: turn}, nil
}

func (m *memory) publish(text string) error {
	if err := m.answer(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, heard := range m.heard {
		heard(text)
	}
	return m.mute
}

func (m *memory) listen(ctx context.Context, heard func(string)) error {
	if err := m.answer(); err != nil {
		return err
	}
	m.mu.Lock()
	mute := m.mute
	m.heard = append(m.heard, heard)
	m.mu.Unlock()
	if mute != nil {
		return mute
	}
	<-ctx.Done()
	return ctx.Err()
}

func (*memory) close() {}

// replica has a share of the API "a" in a store.
type replica struct {
	*Link
	*Quota

	log *logtest.Log
}

// start returns n replicas that know each other, and have a quota together.
func start(t *testing.T, m *memory, n int, text string) []replica {
	t.Helper()
	r, err := quota.ParseRate(text)
	require.NoError(t, err)
	all := make([]replica, n)
	for i := range all {
		log := &logtest.Log{}
		link := open(m, slog.New(slog.NewJSONHandler(log, nil)))
		all[i] = replica{link, link.Quota("a", r), log}
	}
	time.Sleep(2 * beatEvery) // until each has heard of the others
	synctest.Wait()
	return all
}

// end closes them. Without it their goroutines would go on.
func end(all []replica) {
	for _, r := range all {
		r.Quota.Close()
		r.Link.Close()
	}
}

// in runs a test in fake time with n replicas that share a quota.
func in(t *testing.T, n int, text string, test func(t *testing.T, m *memory, all []replica)) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		all := start(t, m, n, text)
		test(t, m, all)
		end(all)
	})
}
