package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// residentBytes is the process's resident set.
func (p *process) residentBytes() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// clockTick is the unit of the times in /proc/PID/stat: USER_HZ, 100 on every Linux architecture that Go knows (man 5 proc).
const clockTick = time.Second / 100

// cpu is the processor time that the process has used so far, in the kernel's and in its own code.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, afterName, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(afterName) // from the third one on: state, ..., utime (14th), stime (15th)
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// busy are the cores that a load keeps busy: Hedgerow's share, and that of load and upstream.
type busy struct{ ours, instruments float64 }

func (b busy) String() string {
	return fmt.Sprintf("%.2f + %.2f of %d", b.ours, b.instruments, runtime.NumCPU())
}

// whileBusy runs a load and returns how busy it kept the processor.
func whileBusy(ours *process, load func() samples) (samples, busy, error) {
	began, instruments := time.Now(), ownCPU()
	before, err := ours.cpu()
	if err != nil {
		return samples{}, busy{}, err
	}
	s := load()
	elapsed := time.Since(began).Seconds()
	after, err := ours.cpu()
	return s, busy{(after - before).Seconds() / elapsed, (ownCPU() - instruments).Seconds() / elapsed}, err
}

// ownCPU is the processor time that this process has used so far.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // cannot fail with these arguments
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// sockets is the number of the process's open sockets.
func (p *process) sockets() (int, error) {
	folder := fmt.Sprintf("/proc/%d/fd", p.Process.Pid)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, e := range entries {
		if target, err := os.Readlink(folder + "/" + e.Name()); err == nil && len(target) > 7 && target[:7] == "socket:" {
			n++
		}
	}
	return n, nil
}
