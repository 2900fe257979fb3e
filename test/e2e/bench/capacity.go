package main

import (
	"errors"
	"fmt"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

const (
	capacityConnections = 32
	capacityRounds      = 5
	warmUp              = 3 * time.Second
)

// capacity compares calls/s with those of the baseline, in turns, on an upstream that answers at once.
func capacity(path string, atLeast float64) func(*programs) (table, error) {
	return func(p *programs) (table, error) {
		return inFrontOf(p, instrument.AnswerAfter(0), func(up *instrument.Upstream, ours *process) (table, error) {
			theirs, err := p.baseline(up.URL())
			if err != nil {
				return table{}, err
			}
			defer theirs.stop()
			return takeTurns(ours, theirs, path, atLeast)
		})
	}
}

func takeTurns(ours, theirs *process, path string, atLeast float64) (table, error) {
	result := table{header: []string{"round", "Hedgerow calls/s (p99)", "net/http calls/s (p99)", "ratio"}}
	ratios := make([]float64, 0, capacityRounds)
	warm := warmUp
	for round := range capacityRounds {
		a := closedLoop(ours.addr, path+"?timeout=1000", capacityConnections, warm, 4*time.Second)
		b := closedLoop(theirs.addr, path+"?timeout=1000", capacityConnections, warm, 4*time.Second)
		warm = time.Second // for the connections to the upstream
		if err := errors.Join(a.check(), b.check()); err != nil {
			return table{}, err
		}
		ratio := a.rate() / b.rate()
		ratios = append(ratios, ratio)
		result.rows = append(result.rows, []string{fmt.Sprint(round + 1), rateAndP99(a), rateAndP99(b), fmt.Sprintf("%.2f", ratio)})
	}
	result.rows = append(result.rows, []string{"median", "", "", fmt.Sprintf("**%.2f**", median(ratios))})
	result.met = median(ratios) >= atLeast
	return result, nil
}

func rateAndP99(s samples) string {
	return fmt.Sprintf("%.0f (%s)", s.rate(), milliseconds(quantile(s.sorted(0), 0.99)))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
