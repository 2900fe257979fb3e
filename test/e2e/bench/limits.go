package main

import (
	"fmt"
	"net/http"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// limits is what one instance needs for a number of concurrent calls.
func limits(p *programs) (table, error) {
	result := table{header: []string{"concurrent `first` calls", "answered well", "refused", "p99 of all", "p99 of those answered well", "memory", "sockets", "processor"}, met: true}
	for _, calls := range []int{100, 300, 1000, 3000} {
		row, err := inFrontOf(p, random, func(_ *instrument.Upstream, ours *process) ([]string, error) { return need(ours, calls) })
		if err != nil {
			return table{}, err
		}
		result.rows = append(result.rows, row)
	}
	return result, nil
}

func need(ours *process, calls int) ([]string, error) {
	const path, d = "/api/first?timeout=1000", 6 * time.Second
	type use struct {
		resident int64
		sockets  int
		cpu      time.Duration
		err      error
	}
	uses := make(chan use)
	go func() { // while the load runs: from the end of the warm-up to just before the end
		time.Sleep(warmUp)
		before, err := ours.cpu()
		time.Sleep(d - time.Second)
		var u use
		if u.cpu, u.err = ours.cpu(); err != nil {
			u.err = err
		}
		u.cpu -= before
		if u.err == nil {
			u.resident, u.err = ours.residentBytes()
		}
		if u.err == nil {
			u.sockets, u.err = ours.sockets()
		}
		uses <- u
	}()
	s := closedLoop(ours.addr, path, calls, warmUp, d)
	u := <-uses
	if u.err != nil {
		return nil, u.err
	}
	well, refused := s.sorted(http.StatusOK), s.sorted(http.StatusServiceUnavailable)
	return []string{
		fmt.Sprint(calls), fmt.Sprintf("%.0f/s", float64(len(well))/d.Seconds()), fmt.Sprintf("%.0f/s", float64(len(refused))/d.Seconds()),
		milliseconds(quantile(s.sorted(0), 0.99)), milliseconds(quantile(well, 0.99)),
		fmt.Sprintf("%.0f MB", float64(u.resident)/1e6), fmt.Sprint(u.sockets), fmt.Sprintf("%.2f cores", u.cpu.Seconds()/(d-time.Second).Seconds()),
	}, nil
}
