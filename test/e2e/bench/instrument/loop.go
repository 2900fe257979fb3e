// Package instrument drives a benchmark: it has a closed loop of calls and an upstream. Both speak HTTP/1.1 on raw sockets from one
// thread with one epoll instance, as wrk does, so that they take little of the machine that they measure. Linux only.
package instrument

import (
	"container/heap"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// loop is an event loop: everything that it calls runs on its one thread.
type loop struct {
	epoll, clock, bell int              // descriptors: epoll, a timerfd for the earliest timer, an eventfd for jobs from outside
	sources            map[int32]source // by descriptor
	timers             timers
	armed              time.Time // what clock is set to
	in                 [16 << 10]byte

	mu   sync.Mutex
	jobs []func()
}

// batch is the most events, and the most timers, that are handled before the loop turns to the others.
const batch = 64

// source is called when its descriptor can be read or is broken.
type source interface{ ready() }

// events is the one loop of the process.
var events = sync.OnceValue(func() *loop {
	l, err := newLoop()
	if err != nil {
		panic(fmt.Errorf("no event loop: %w", err)) // out of descriptors before anything is measured
	}
	go l.run()
	return l
})

func newLoop() (*loop, error) {
	l := &loop{sources: map[int32]source{}}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if l.clock, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return nil, err
	}
	if l.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, err
	}
	for _, fd := range []int{l.clock, l.bell} { // no source: they only wake the loop
		if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil { //nolint:gosec // a descriptor
			return nil, err
		}
	}
	return l, nil
}

func (l *loop) run() {
	runtime.LockOSThread()
	happened := make([]unix.EpollEvent, batch)
	wait := -1 // for as long as it takes
	for {
		n, err := unix.EpollWait(l.epoll, happened, wait)
		if err != nil && err != unix.EINTR {
			panic(fmt.Errorf("epoll: %w", err)) // a descriptor cannot be the reason
		}
		for _, e := range happened[:max(0, n)] {
			if e.Fd == int32(l.bell) { //nolint:gosec // a descriptor
				l.takeJobs()
			} else if s := l.sources[e.Fd]; s != nil {
				s.ready()
			}
		}
		wait = -1
		if l.fireTimers() {
			wait = 0
		}
	}
}

// add calls s whenever there is something to read from fd.
func (l *loop) add(fd int, s source) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)} //nolint:gosec // a descriptor
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return err
	}
	l.sources[e.Fd] = s
	return nil
}

// brokenOnly calls the source only when fd is broken, and no longer when it can be read.
func (l *loop) brokenOnly(fd int) {
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Fd: int32(fd)}) //nolint:gosec // a descriptor, which the loop has
}

// close closes fd, and the loop forgets it.
func (l *loop) close(fd int) {
	delete(l.sources, int32(fd)) //nolint:gosec // a descriptor
	_ = unix.Close(fd)
}

// read returns what can be read from fd now, which may be nothing. It is valid until the next read. ok is false at the end of the
// stream and when the connection is broken.
func (l *loop) read(fd int) (text []byte, ok bool) {
	n, err := unix.Read(fd, l.in[:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil, true
	}
	return l.in[:max(0, n)], n > 0
}

// do runs job on the loop and waits for it.
func (l *loop) do(job func()) {
	done := make(chan struct{})
	l.mu.Lock()
	l.jobs = append(l.jobs, func() { job(); close(done) })
	l.mu.Unlock()
	_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // fails only when it rings already
	<-done
}

func (l *loop) takeJobs() {
	_, _ = unix.Read(l.bell, l.in[:])
	l.mu.Lock()
	jobs := l.jobs
	l.jobs = nil
	l.mu.Unlock()
	for _, job := range jobs {
		job()
	}
}

// after runs f in d.
func (l *loop) after(d time.Duration, f func()) { heap.Push(&l.timers, timer{time.Now().Add(d), f}) }

// fireTimers runs the timers that are due, at most a batch of them, so that connections are accepted meanwhile. more is true when some
// are left. Otherwise it sets the clock for the next one.
func (l *loop) fireTimers() (more bool) {
	for n := 0; l.timers.Len() > 0; n++ {
		next := l.timers.list[0]
		wait := time.Until(next.at)
		if wait > 0 {
			if next.at != l.armed {
				l.armed = next.at
				_ = unix.TimerfdSettime(l.clock, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(wait))}, nil)
			}
			return false
		}
		if n == batch {
			return true
		}
		heap.Pop(&l.timers)
		next.run()
	}
	if !l.armed.IsZero() {
		l.armed = time.Time{}
		_ = unix.TimerfdSettime(l.clock, 0, &unix.ItimerSpec{}, nil)
	}
	return false
}

type timer struct {
	at  time.Time
	run func()
}

// timers are a heap with the earliest first.
type timers struct{ list []timer }

func (t *timers) Len() int           { return len(t.list) }
func (t *timers) Less(i, j int) bool { return t.list[i].at.Before(t.list[j].at) }
func (t *timers) Swap(i, j int)      { t.list[i], t.list[j] = t.list[j], t.list[i] }
func (t *timers) Push(x any)         { t.list = append(t.list, x.(timer)) }
func (t *timers) Pop() any {
	last := len(t.list) - 1
	x := t.list[last]
	t.list[last] = timer{}
	t.list = t.list[:last]
	return x
}
