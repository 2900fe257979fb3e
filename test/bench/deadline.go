package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"hedgerow/test/bench/instrument"
)

// deadline measures how long after its timeout the last byte of an answer comes, with 200 calls in flight, for upstreams that give
// the service nothing to answer with before.
func deadline(p *programs) (table, error) {
	trickle := func(int64) instrument.Reply {
		return instrument.Reply{Text: []byte("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), Drip: 100 * time.Millisecond}
	}
	result := table{header: []string{"upstream", "calls", "p50 after the timeout", "p99.9", "most", busyHeader}, met: true}
	for _, b := range []struct {
		name   string
		answer instrument.Behaviour
	}{{"never answers", instrument.Never}, {"trickles", trickle}, {"answers too late", instrument.AnswerAfter(450 * time.Millisecond)}} {
		late, cores, err := lateness(p, b.answer)
		if err != nil {
			return table{}, err
		}
		p999 := quantile(late, 0.999)
		result.met = result.met && p999 <= 10*time.Millisecond
		result.rows = append(result.rows, []string{
			b.name, fmt.Sprint(len(late)), milliseconds(quantile(late, 0.5)), "**" + milliseconds(p999) + "**", milliseconds(late[len(late)-1]), cores.String(),
		})
	}
	return result, nil
}

// lateness is how much later than the timeout of 400 ms each answer was complete, sorted.
func lateness(p *programs, answer instrument.Behaviour) ([]time.Duration, busy, error) {
	const timeout = 400 * time.Millisecond
	var cores busy
	late, err := inFrontOf(p, answer, func(_ *instrument.Upstream, ours *process) ([]time.Duration, error) {
		s, b, err := whileBusy(ours, func() samples {
			return closedLoop(ours.addr, "/api/within-timeout?timeout=400", 200, warmUp, 8*time.Second)
		})
		cores = b
		late := s.sorted(http.StatusOK)
		for i := range late {
			late[i] -= timeout
		}
		return late, errors.Join(err, s.check())
	})
	return late, cores, err
}
