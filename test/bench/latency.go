package main

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"
)

const latencyConnections = 1000

func within(measured, expected, share float64) bool { return math.Abs(measured/expected-1) <= share }

func compare(what string, measured, expected float64, unit string) []string {
	return []string{what, fmt.Sprintf("%.4g%s", measured, unit), fmt.Sprintf("%.4g%s", expected, unit), fmt.Sprintf("%.3f", measured/expected)}
}

var compareHeader = []string{"", "measured", "theory", "ratio"}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func latencyFirst(p *programs) (table, error) {
	return inFrontOf(p, random, func(_ *upstream, ours *process) (table, error) {
		s := closedLoop(ours.addr, "/api/first?timeout=1000", latencyConnections, warmUp, 10*time.Second)
		th := newTheory(firstSurvival)
		sorted := s.sorted(http.StatusOK)
		rate := latencyConnections / mean(firstEnding).Seconds()
		p50, p99 := ms(quantile(sorted, 0.5)), ms(quantile(sorted, 0.99))
		t50, t99 := ms(th.quantile(0.5)), ms(th.quantile(0.99))
		return table{compareHeader, [][]string{
			compare("calls/s", s.rate(), rate, ""),
			compare("p50", p50, t50, " ms"),
			compare("p99", p99, t99, " ms"),
			compare("p99.9", ms(quantile(sorted, 0.999)), ms(th.quantile(0.999)), " ms"),
			compare("failed", float64(len(s.calls)-len(sorted))/float64(len(s.calls)), th.fails, ""),
		}, s.rate() >= 0.93*rate && within(p50, t50, 0.08) && within(p99, t99, 0.08)}, nil
	})
}

// firstEnding is P(call has not ended by t): no success, and not all failed.
func firstEnding(t float64) float64 {
	failed := 0.0
	if t > low {
		failed = failures * min(1, (t-low)/(high-low))
	}
	return firstSurvival(t) - failed*failed*failed
}

func latencySmart(p *programs) (table, error) {
	return inFrontOf(p, random, func(_ *upstream, ours *process) (table, error) {
		s := closedLoop(ours.addr, "/api/smart?timeout=2000", latencyConnections, warmUp, 10*time.Second)
		calls, err := ours.metric("hedgerow_calls_total")
		if err != nil {
			return table{}, err
		}
		time.Sleep(time.Second) // for the losers
		attempts, err := ours.metric("hedgerow_attempts_total")
		if err != nil {
			return table{}, err
		}
		th := newTheory(smartSurvival)
		sorted := s.sorted(http.StatusOK)
		p50, p99 := ms(quantile(sorted, 0.5)), ms(quantile(sorted, 0.99))
		t50, t99 := ms(th.quantile(0.5)), ms(th.quantile(0.99))
		return table{compareHeader, [][]string{
			compare("p50", p50, t50, " ms"),
			compare("p99", p99, t99, " ms"),
			compare("p99.9", ms(quantile(sorted, 0.999)), ms(th.quantile(0.999)), " ms"),
			compare("requests per call", attempts/calls, requestsPerCall(), ""),
		}, within(p50, t50, 0.08) && within(p99, t99, 0.08) && within(attempts/calls, requestsPerCall(), 0.02)}, nil
	})
}

func latencyWithinTimeout(p *programs) (table, error) {
	return inFrontOf(p, random, func(_ *upstream, ours *process) (table, error) {
		s := closedLoop(ours.addr, "/api/within-timeout?timeout=400", latencyConnections, warmUp, 10*time.Second)
		sorted := s.sorted(0)
		p99 := quantile(sorted, 0.99)
		return table{[]string{"calls/s", "p50", "p99", "p99.9"}, [][]string{{
			fmt.Sprintf("%.0f", s.rate()), milliseconds(quantile(sorted, 0.5)), "**" + milliseconds(p99) + "**", milliseconds(quantile(sorted, 0.999)),
		}}, p99 <= 430*time.Millisecond}, nil
	})
}

// distributions compares 20,000 calls of each strategy with the closed form. The load is light: what is compared is the logic.
func distributions(p *programs) (table, error) {
	return inFrontOf(p, random, func(_ *upstream, ours *process) (table, error) {
		result := table{header: []string{"strategy", "calls", "D", "critical D (1 %)"}, met: true}
		for _, strategy := range []struct {
			path     string
			survival func(float64) float64
		}{{"/api/first", firstSurvival}, {"/api/smart", smartSurvival}, {"/api/all", allSurvival}} {
			var sorted []time.Duration
			for len(sorted) < 20_000 {
				s := closedLoop(ours.addr, strategy.path+"?timeout=2000", 300, 2*time.Second, 12*time.Second)
				sorted = append(sorted, s.sorted(http.StatusOK)...)
			}
			slices.Sort(sorted)
			d := kolmogorovSmirnov(sorted, newTheory(strategy.survival))
			critical := 1.63 / math.Sqrt(float64(len(sorted)))
			result.met = result.met && d <= critical
			result.rows = append(result.rows, []string{
				"`" + strategy.path + "`", fmt.Sprint(len(sorted)), fmt.Sprintf("%.4f", d), fmt.Sprintf("%.4f", critical),
			})
		}
		return result, nil
	})
}
