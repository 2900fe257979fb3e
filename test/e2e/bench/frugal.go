package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// memory is what the resident set grows by for each concurrent all call.
func memory(p *programs) (table, error) {
	const calls = 2000
	return inFrontOf(p, instrument.Never, func(_ *instrument.Upstream, ours *process) (table, error) {
		if _, err := get("http://" + ours.addr + "/livez"); err != nil {
			return table{}, err
		}
		idle, err := ours.residentBytes()
		if err != nil {
			return table{}, err
		}
		busy, err := residentWith(ours, calls)
		if err != nil {
			return table{}, err
		}
		perCall := float64(busy-idle) / calls / 1000
		return table{[]string{"idle", fmt.Sprintf("%d calls", calls), "per call"}, [][]string{{
			fmt.Sprintf("%.1f MB", float64(idle)/1e6), fmt.Sprintf("%.1f MB", float64(busy)/1e6), fmt.Sprintf("**%.0f KB**", perCall),
		}}, perCall <= 110}, nil
	})
}

// residentWith is the resident set of a service with that many all calls in flight.
func residentWith(ours *process, calls int) (int64, error) {
	var load sync.WaitGroup
	defer load.Wait()
	load.Go(func() { closedLoop(ours.addr, "/api/all?timeout=8000", calls, 0, time.Second) })
	inFlight := func() (float64, error) { return ours.metric("hedgerow_attempts_in_flight") }
	for range 100 {
		if n, err := inFlight(); err == nil && n >= float64(3*calls) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(time.Second)
	busy, err := ours.residentBytes()
	if err != nil {
		return 0, err
	}
	n, err := inFlight()
	if err == nil && n < float64(3*calls) {
		err = fmt.Errorf("%v attempts in flight instead of %d", n, 3*calls)
	}
	return busy, err
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

// startUp measures the time from exec to the first answer, and the memory of a service that nobody calls.
func startUp(p *programs) (table, error) {
	times := make([]float64, 0, 5)
	var resident int64
	for range 5 {
		addr := freeAddr()
		command := exec.Command(filepath.Join(p.folder, "hedgerow"), "--addr="+addr, "--admin-addr=", "--log-level=error")
		began := time.Now()
		if err := command.Start(); err != nil {
			return table{}, err
		}
		ours := &process{Cmd: command, addr: addr}
		for {
			if status, err := get("http://" + addr + "/livez"); err == nil && status == http.StatusOK {
				break
			}
			if time.Since(began) > 10*time.Second {
				return table{}, fmt.Errorf("no answer from %s", addr)
			}
			time.Sleep(time.Millisecond)
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
		time.Sleep(500 * time.Millisecond)
		var err error
		if resident, err = ours.residentBytes(); err != nil {
			return table{}, err
		}
		ours.stop()
	}
	first := median(times)
	mib := float64(resident) / (1 << 20)
	return table{[]string{"start to first answer, median of 5", "idle memory"}, [][]string{{
		fmt.Sprintf("**%.0f ms**", first), fmt.Sprintf("**%.1f MiB**", mib),
	}}, first <= 80 && mib <= 22}, nil
}
