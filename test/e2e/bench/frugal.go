package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// memory is what the resident set and the goroutines grow by for each concurrent all call.
func memory(p *programs) (table, error) {
	const calls = 2000
	return inFrontOf(p, instrument.Never, func(_ *instrument.Upstream, ours *process) (table, error) {
		idle, busy, err := holdings(ours, calls)
		if err != nil {
			return table{}, err
		}
		bytes, goroutines := busy.minus(idle).perCall(calls)
		return table{[]string{"", "idle", fmt.Sprintf("%d calls", calls), "per call"}, [][]string{
			{"memory", fmt.Sprintf("%.1f MB", float64(idle.bytes)/1e6), fmt.Sprintf("%.1f MB", float64(busy.bytes)/1e6), fmt.Sprintf("**%.1f KB**", bytes/1000)},
			{"goroutines", fmt.Sprint(idle.goroutines), fmt.Sprint(busy.goroutines), fmt.Sprintf("**%.2f**", goroutines)},
		}, bytes <= 60_000}, nil
	})
}

// holding is what a service holds.
type holding struct{ bytes, goroutines int64 }

func (h holding) minus(other holding) holding {
	return holding{h.bytes - other.bytes, h.goroutines - other.goroutines}
}

func (h holding) perCall(calls int) (bytes, goroutines float64) {
	return float64(h.bytes) / float64(calls), float64(h.goroutines) / float64(calls)
}

// holdings are those of a service that nobody calls, and of the same with that many all calls in flight.
func holdings(ours *process, calls int) (idle, busy holding, err error) {
	if _, err := get("http://" + ours.addr + "/livez"); err != nil {
		return idle, busy, err
	}
	if idle, err = ours.holding(); err != nil {
		return idle, busy, err
	}
	var load sync.WaitGroup
	defer load.Wait()
	load.Go(func() { closedLoop(ours.addr, "/api/all?timeout=8000", calls, 0, 5*time.Second) })
	inFlight := func() (float64, error) { return ours.metric("hedgerow_attempts_in_flight") }
	for range 100 {
		if n, err := inFlight(); err == nil && n >= float64(3*calls) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(time.Second)
	if busy, err = ours.holding(); err != nil {
		return idle, busy, err
	}
	n, err := inFlight()
	if err == nil && n < float64(3*calls) {
		err = fmt.Errorf("%v attempts in flight instead of %d", n, 3*calls)
	}
	return idle, busy, err
}

// holding is the process's resident set, and then its goroutines: to list these takes memory.
func (p *process) holding() (h holding, err error) {
	if h.bytes, err = p.residentBytes(); err != nil {
		return h, err
	}
	response, err := http.Get("http://" + p.admin + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		return h, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = fmt.Fscanf(response.Body, "goroutine profile: total %d", &h.goroutines)
	return h, err
}

// connections counts what the upstream sees being dialled.
func connections(p *programs) (table, error) {
	result := table{header: []string{"load", "calls", "new connections", "per call"}, met: true}
	for _, load := range []struct {
		name, path string
		answer     instrument.Behaviour
		drive      func(addr, path string) (int, error)
		most       func(calls int) float64
	}{
		{"`all`, one after another", "/api/all?timeout=1000", instrument.AnswerAfter(time.Millisecond), inTurn, func(int) float64 { return 3 }},
		{"`first`, 50 connections, answers after 1 to 200 ms", "/api/first?timeout=1000", staggered, concurrently,
			func(calls int) float64 { return 0.05 * float64(calls) }},
	} {
		calls := 0
		dialled, err := inFrontOf(p, load.answer, func(up *instrument.Upstream, ours *process) (float64, error) {
			var err error
			calls, err = load.drive(ours.addr, load.path)
			return float64(up.Dialled()), err
		})
		if err != nil {
			return table{}, err
		}
		result.met = result.met && dialled <= load.most(calls)
		result.rows = append(result.rows, []string{
			load.name, fmt.Sprint(calls), fmt.Sprintf("**%.0f**", dialled), fmt.Sprintf("%.4f", dialled/float64(calls)),
		})
	}
	return result, nil
}

func inTurn(addr, path string) (int, error) {
	const calls = 1000
	for range calls {
		if status, err := get("http://" + addr + path); err != nil || status != http.StatusOK {
			return 0, fmt.Errorf("%s answered %d: %w", path, status, err)
		}
	}
	return calls, nil
}

func concurrently(addr, path string) (int, error) {
	s := closedLoop(addr, path, 50, 0, 10*time.Second)
	return len(s.calls), s.check()
}

// staggered answers within the losers' grace: the requests in turn after 1, 50, 100, 150 and 200 ms.
func staggered(n int64) instrument.Reply {
	return instrument.AnswerAfter(time.Duration([]int64{1, 50, 100, 150, 200}[n%5]) * time.Millisecond)(n)
}
