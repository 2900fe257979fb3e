package main

import (
	"errors"
	"fmt"
	"strconv"
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

// processorTime compares the processor time of a call with the baseline's, in turns.
func processorTime(p *programs) (table, error) {
	return inFrontOf(p, instrument.AnswerAfter(0), func(up *instrument.Upstream, ours *process) (table, error) {
		theirs, err := p.baseline(up.URL())
		if err != nil {
			return table{}, err
		}
		defer theirs.stop()
		result := table{header: []string{"path", "round", "Hedgerow µs", "net/http µs", "ratio"}, met: true}
		for _, of := range []struct {
			path   string
			atMost float64
		}{{"/api/first", 0.40}, {"/api/all", 0.68}} {
			var ratios []float64
			for round := range capacityRounds {
				a, errA := measureCost(ours, of.path+"?timeout=1000", time.Second)
				b, errB := measureCost(theirs, of.path+"?timeout=1000", time.Second)
				if err := errors.Join(errA, errB); err != nil {
					return table{}, err
				}
				ratios = append(ratios, a.cpu/b.cpu)
				result.rows = append(result.rows, []string{
					of.path, strconv.Itoa(round + 1), fmt.Sprintf("%.0f", a.cpu), fmt.Sprintf("%.0f", b.cpu), fmt.Sprintf("%.2f", a.cpu/b.cpu),
				})
			}
			result.rows = append(result.rows, []string{of.path, "median", "", "", fmt.Sprintf("**%.2f**", median(ratios))})
			result.met = result.met && median(ratios) <= of.atMost
		}
		return result, nil
	})
}

func rateAndP99(s samples) string {
	return fmt.Sprintf("%.0f (%s)", s.rate(), milliseconds(quantile(s.sorted(0), 0.99)))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
