package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// latencyConnections are the number that P3 has found, for which the latency targets hold, and the one beside it.
func (p *programs) latencyConnections() []int {
	if p.found == 0 {
		return []int{usualConnections}
	}
	return slices.Compact([]int{p.found, besideConnections})
}

const busyHeader = "cores busy: Hedgerow + load and upstream"

func within(measured, expected, share float64) bool { return math.Abs(measured/expected-1) <= share }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// figure is something that a run measures.
type figure struct {
	name, unit string
	theory     float64
	// tolerance is how far the measured figure may be from theory, as a share. 0: any distance.
	tolerance float64
	measured  float64
}

func (f figure) met() bool {
	return f.tolerance == 0 || within(f.measured, f.theory, f.tolerance)
}

// againstTheory runs a load in front of the random upstream, once for each number of connections, and compares it with theory.
func againstTheory(p *programs, path string, figures func(s samples, requestsPerCall float64) []figure) (table, error) {
	result := table{header: []string{"", "theory"}, met: true}
	last := []string{busyHeader, ""}
	refusals := []string{"refused", "0"}
	for i, connections := range p.latencyConnections() {
		var cores busy
		measured, err := inFrontOf(p, random, func(_ *instrument.Upstream, ours *process) ([]figure, error) {
			requests := countRequests(ours)
			s, b, err := whileBusy(ours, func() samples { return closedLoop(ours.addr, path, connections, warmUp, 10*time.Second) })
			if err != nil || s.errors > len(s.calls)/1000 {
				return nil, fmt.Errorf("%d of %d calls broke: %w", s.errors, len(s.calls), err)
			}
			cores = b
			refused := len(s.sorted(http.StatusServiceUnavailable))
			refusals = append(refusals, fmt.Sprint(refused), "")
			result.met = result.met && (i > 0 || refused <= len(s.calls)/1000)
			perCall, err := requests()
			return figures(s, perCall), err
		})
		if err != nil {
			return table{}, err
		}
		result.header = append(result.header, fmt.Sprintf("%d connections", connections), "ratio")
		last = append(last, cores.String(), "")
		for j, f := range measured {
			if i == 0 {
				result.rows = append(result.rows, []string{f.name, fmt.Sprintf("%.4g%s", f.theory, f.unit)})
				result.met = result.met && f.met()
			}
			result.rows[j] = append(result.rows[j], fmt.Sprintf("%.4g%s", f.measured, f.unit), fmt.Sprintf("**%.3f**", f.measured/f.theory))
		}
	}
	result.rows = append(result.rows, refusals, last)
	return result, nil
}

// countRequests counts the service's requests per call from the end of a load's warm-up. The function that it returns ends the count
// and is called after the load.
func countRequests(ours *process) func() (perCall float64, err error) {
	type counts struct {
		calls, attempts float64
		err             error
	}
	count := func() counts {
		calls, err := ours.metric("hedgerow_calls_total")
		if err != nil {
			return counts{err: err}
		}
		attempts, err := ours.metric("hedgerow_attempts_total")
		return counts{calls, attempts, err}
	}
	warm := make(chan counts, 1)
	go func() {
		time.Sleep(warmUp)
		warm <- count()
	}()
	return func() (float64, error) {
		time.Sleep(time.Second) // for the losers
		from, to := <-warm, count()
		return (to.attempts - from.attempts) / (to.calls - from.calls), errors.Join(from.err, to.err)
	}
}

// quantiles of the successful calls. p50 and p99 must be within 8 % of theory.
func quantiles(sorted []time.Duration, th theory) []figure {
	of := func(name string, q, tolerance float64) figure {
		return figure{name: name, unit: " ms", theory: ms(th.quantile(q)), tolerance: tolerance, measured: ms(quantile(sorted, q))}
	}
	return []figure{of("p50", 0.5, 0.08), of("p99", 0.99, 0.08), of("p99.9", 0.999, 0)}
}

func latencySmart(p *programs) (table, error) {
	return againstTheory(p, "/api/smart?timeout=2000", func(s samples, perCall float64) []figure {
		requests := figure{name: "requests per call", theory: requestsPerCall(), tolerance: 0.02, measured: perCall}
		return append(quantiles(s.sorted(http.StatusOK), newTheory(smartSurvival)), requests)
	})
}

func latencyWithinTimeout(p *programs) (table, error) {
	result := table{header: []string{"connections", "calls/s", "not 200", "p50", "p99", "p99.9", busyHeader}, met: true}
	for i, connections := range p.latencyConnections() {
		_, err := inFrontOf(p, random, func(_ *instrument.Upstream, ours *process) (none struct{}, err error) {
			s, cores, err := whileBusy(ours, func() samples {
				return closedLoop(ours.addr, "/api/within-timeout?timeout=400", connections, warmUp, 10*time.Second)
			})
			if err != nil {
				return none, err
			}
			sorted := s.sorted(http.StatusOK)
			p99 := quantile(sorted, 0.99)
			if i == 0 {
				result.met = p99 <= 430*time.Millisecond && s.check() == nil
			}
			result.rows = append(result.rows, []string{
				fmt.Sprint(connections), fmt.Sprintf("%.0f", s.rate()), fmt.Sprint(len(s.calls) - len(sorted) + s.errors),
				milliseconds(quantile(sorted, 0.5)), "**" + milliseconds(p99) + "**",
				milliseconds(quantile(sorted, 0.999)), cores.String(),
			})
			return none, nil
		})
		if err != nil {
			return table{}, err
		}
	}
	return result, nil
}

// distributions compares 20,000 calls of each strategy with the closed form, of the challenge's API and of an API of the file. The load
// is light, so that only the logic counts.
func distributions(p *programs) (table, error) {
	const calls, rate = 20_000, 1000
	settings := `{url: "${UPSTREAM}", timeout: 2s, hedge: {delay: 300ms, budget: off}, routes: {
    "GET /first": {strategy: first}, "GET /smart": {strategy: smart}, "GET /all": {strategy: all}}}`
	return withAPI(p, random, settings, func(_ *instrument.Upstream, ours *process) (table, error) {
		result := table{header: []string{"strategy", "calls", "D", "critical D (1 %)"}, met: true}
		for _, strategy := range []struct {
			path     string
			survival func(float64) float64
		}{
			{"/api/first?timeout=2000", firstSurvival}, {"/api/smart?timeout=2000", smartSurvival}, {"/api/all?timeout=2000", allSurvival},
			{"/proxy/a/first", firstSurvival}, {"/proxy/a/smart", smartSurvival}, {"/proxy/a/all", allSurvival},
		} {
			const long = calls * 11 * time.Second / 10 / rate
			connections := int(rate * mean(strategy.survival).Seconds())
			var sorted []time.Duration
			for rounds := 0; len(sorted) < calls; rounds++ {
				if rounds == 3 {
					return table{}, fmt.Errorf("only %d calls of %s in %v", len(sorted), strategy.path, time.Duration(rounds)*long)
				}
				sorted = append(sorted, closedLoop(ours.addr, strategy.path, connections, time.Second, long).sorted(http.StatusOK)...)
			}
			slices.Sort(sorted)
			d := kolmogorovSmirnov(sorted, newTheory(strategy.survival))
			critical := 1.63 / math.Sqrt(float64(len(sorted))) // the asymptotic value at the 1 % level
			result.met = result.met && d <= critical
			result.rows = append(result.rows, []string{
				"`" + strategy.path + "`", fmt.Sprint(len(sorted)), fmt.Sprintf("%.4f", d), fmt.Sprintf("%.4f", critical),
			})
		}
		return result, nil
	})
}
