package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// deadline measures how long after its timeout the last byte of an answer comes, with 200 calls in flight, for upstreams that give
// the service nothing to answer with before.
func deadline(p *programs) (table, error) {
	trickle := func(int64) instrument.Reply {
		return instrument.Reply{Text: []byte("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), Drip: 100 * time.Millisecond}
	}
	result := table{header: []string{"upstream", "calls", "p50 after the timeout", "p99.9 by round", "median", "most", busyHeader}, met: true}
	for _, b := range []struct {
		name   string
		answer instrument.Behaviour
	}{{"never answers", instrument.Never}, {"trickles", trickle}, {"answers too late", instrument.AnswerAfter(450 * time.Millisecond)}} {
		rounds, cores, err := lateness(p, b.answer)
		if err != nil {
			return table{}, err
		}
		var all []time.Duration
		var p999 []float64
		var each []string
		for _, late := range rounds {
			all = append(all, late...)
			p999 = append(p999, ms(quantile(late, 0.999)))
			each = append(each, fmt.Sprintf("%.1f", ms(quantile(late, 0.999))))
		}
		slices.Sort(all)
		result.met = result.met && median(p999) <= 10
		result.rows = append(result.rows, []string{
			b.name, fmt.Sprint(len(all)), milliseconds(quantile(all, 0.5)), strings.Join(each, ", ") + " ms", fmt.Sprintf("**%.1f ms**", median(p999)),
			milliseconds(all[len(all)-1]), cores.String(),
		})
	}
	return result, nil
}

// lateness is how long after the timeout of 400 ms each answer was complete, sorted, in each of three rounds. There are three because
// p99.9 of a round is its third latest answer and varies by a factor of two.
func lateness(p *programs, answer instrument.Behaviour) (rounds [][]time.Duration, cores busy, err error) {
	const timeout = 400 * time.Millisecond
	rounds, err = inFrontOf(p, answer, func(_ *instrument.Upstream, ours *process) (rounds [][]time.Duration, err error) {
		for _, warmUp := range []time.Duration{warmUp, 2 * time.Second, 2 * time.Second} {
			s, b, err := whileBusy(ours, func() samples {
				return closedLoop(ours.addr, "/api/within-timeout?timeout=400", 200, warmUp, 5*time.Second)
			})
			if err := errors.Join(err, s.check()); err != nil {
				return nil, err
			}
			cores = b
			late := s.sorted(http.StatusOK)
			for i := range late {
				late[i] -= timeout
			}
			rounds = append(rounds, late)
		}
		return rounds, nil
	})
	return rounds, cores, err
}
