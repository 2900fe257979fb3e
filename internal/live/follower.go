package live

import "slices"

const (
	// mostFollowed bounds the calls whose end a follower waits for. Beyond it the oldest are let go; the page forgets them by itself.
	mostFollowed = 256
	// mostFresh bounds the new calls of one look. Of more, the newest count.
	mostFresh = 48
)

// follower is one reader's way through a history. It holds no events, only where it is and the calls that have not ended: however long it
// does not look, it has nothing to catch up on but what is still in the history. It belongs to one goroutine.
type follower struct {
	history    *History
	last, kept uint64 // what it has seen of the rings
	followed   []followed
}

type followed struct {
	call    *Call
	version int // of what was told; -1: nothing
}

// look returns the calls that are new or have changed since the last look, as JSON, the oldest first.
func (f *follower) look() [][]byte {
	f.follow()
	var changed [][]byte
	open := f.followed[:0]
	for _, one := range f.followed {
		encoded, version, settled := one.call.changed(one.version)
		if encoded != nil {
			changed = append(changed, encoded)
		}
		if !settled {
			open = append(open, followed{one.call, version})
		}
	}
	clear(f.followed[len(open):]) // lets go of the calls
	f.followed = open
	return changed
}

// follow adds the calls that are new.
func (f *follower) follow() {
	h := f.history
	h.mu.Lock()
	fresh := append(h.kept.after(f.kept, keptCalls), h.last.after(f.last, mostFresh)...)
	f.last, f.kept = h.last.added, h.kept.added
	h.mu.Unlock()
	for _, call := range fresh {
		if !slices.ContainsFunc(f.followed, func(one followed) bool { return one.call == call }) {
			f.followed = append(f.followed, followed{call, -1})
		}
	}
	if over := len(f.followed) - mostFollowed; over > 0 {
		f.followed = slices.Delete(f.followed, 0, over)
	}
}
