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

// turn is one round of a load, with Hedgerow and then with the baseline.
type turn struct{ ours, theirs costOf }

// turns are the rounds of one of the challenge's endpoints in front of an upstream that answers at once. They are made once, for calls/s
// and for processor time.
func (p *programs) turns(endpoint string) ([]turn, error) {
	if made := p.made[endpoint]; made != nil {
		return made, nil
	}
	made, err := inFrontOf(p, instrument.AnswerAfter(0), func(up *instrument.Upstream, ours *process) (made []turn, err error) {
		theirs, err := p.baseline(up.URL())
		if err != nil {
			return nil, err
		}
		defer theirs.stop()
		warm := warmUp
		for range capacityRounds {
			a, errA := measureCost(ours, endpoint+"?timeout=1000", warm)
			b, errB := measureCost(theirs, endpoint+"?timeout=1000", warm)
			if err := errors.Join(errA, errB); err != nil {
				return nil, err
			}
			made = append(made, turn{a, b})
			warm = time.Second // for the connections to the upstream
		}
		return made, nil
	})
	if err == nil {
		p.made[endpoint] = made
	}
	return made, err
}

// capacity compares calls/s with those of the baseline.
func capacity(endpoint string, atLeast float64) func(*programs) (table, error) {
	return func(p *programs) (table, error) {
		result := table{header: []string{"round", "Hedgerow calls/s (p99)", "net/http calls/s (p99)", "ratio"}}
		made, err := p.turns(endpoint)
		if err != nil {
			return table{}, err
		}
		var ratios []float64
		for i, t := range made {
			ratio := t.ours.rate / t.theirs.rate
			ratios = append(ratios, ratio)
			result.rows = append(result.rows, []string{strconv.Itoa(i + 1), rateAndP99(t.ours), rateAndP99(t.theirs), fmt.Sprintf("%.2f", ratio)})
		}
		result.rows = append(result.rows, []string{"median", "", "", fmt.Sprintf("**%.2f**", median(ratios))})
		result.met = median(ratios) >= atLeast
		return result, nil
	}
}

// processorTime compares the processor time of a call with the baseline's.
func processorTime(p *programs) (table, error) {
	result := table{header: []string{"path", "round", "Hedgerow µs", "net/http µs", "ratio"}, met: true}
	for _, of := range []struct {
		endpoint string
		atMost   float64
	}{{"/api/first", 0.40}, {"/api/all", 0.68}} {
		made, err := p.turns(of.endpoint)
		if err != nil {
			return table{}, err
		}
		var ratios []float64
		for i, t := range made {
			ratio := t.ours.cpu / t.theirs.cpu
			ratios = append(ratios, ratio)
			result.rows = append(result.rows, []string{
				of.endpoint, strconv.Itoa(i + 1), fmt.Sprintf("%.0f", t.ours.cpu), fmt.Sprintf("%.0f", t.theirs.cpu), fmt.Sprintf("%.2f", ratio),
			})
		}
		result.rows = append(result.rows, []string{of.endpoint, "median", "", "", fmt.Sprintf("**%.2f**", median(ratios))})
		result.met = result.met && median(ratios) <= of.atMost
	}
	return result, nil
}

func rateAndP99(c costOf) string { return fmt.Sprintf("%.0f (%s)", c.rate, milliseconds(c.p99)) }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
