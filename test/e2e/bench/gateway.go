package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

const gatewayRounds = 3

// costOf is what a load has cost a service.
type costOf struct {
	rate, cpu float64 // calls/s, and µs of processor time per call
	p99       time.Duration
}

// measureCost makes a load of GETs, after a warm-up that does not count.
func measureCost(service *process, path string, warm time.Duration) (costOf, error) {
	if warm > 0 {
		if err := closedLoop(service.addr, path, capacityConnections, 0, warm).check(); err != nil {
			return costOf{}, err
		}
	}
	before, err := service.cpu()
	if err != nil {
		return costOf{}, err
	}
	s := closedLoop(service.addr, path, capacityConnections, 0, 4*time.Second)
	after, err := service.cpu()
	if err := errors.Join(err, s.check()); err != nil {
		return costOf{}, err
	}
	return costOf{s.rate(), float64((after - before).Microseconds()) / float64(len(s.calls)), quantile(s.sorted(0), 0.99)}, nil
}

// withAPI runs Hedgerow with an API "a" of these settings, for which ${UPSTREAM} is the upstream, and which is the challenge's API too.
func withAPI[T any](p *programs, answer instrument.Behaviour, settings string, measure func(up *instrument.Upstream, ours *process) (T, error)) (T, error) {
	var none T
	file := filepath.Join(p.folder, "apis-"+rand.Text()+".yaml") // services run at the same time
	text := "apis:\n  a: " + settings + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return none, err
	}
	up, err := instrument.StartUpstream(answer)
	if err != nil {
		return none, err
	}
	defer up.Stop()
	ours, err := p.hedgerow(up.URL(), "HEDGEROW_CONFIG="+file, "UPSTREAM="+strings.TrimSuffix(up.URL(), "/"))
	if err != nil {
		return none, err
	}
	defer ours.stop()
	return measure(up, ours)
}

// reverseProxied compares /proxy with httputil.ReverseProxy, in turns.
func reverseProxied(p *programs) (table, error) {
	result := table{header: []string{"body", "round", "Hedgerow calls/s", "ReverseProxy calls/s", "ratio", "Hedgerow µs", "ReverseProxy µs", "ratio"}, met: true}
	for _, size := range []int{1 << 10, 64 << 10} {
		reply := instrument.Reply{Text: instrument.Message("200 OK", strings.Repeat(" ", size))}
		rows, met, err := turns(p, func(int64) instrument.Reply { return reply }, fmt.Sprintf("%d KiB", size>>10))
		if err != nil {
			return table{}, err
		}
		result.rows = append(result.rows, rows...)
		result.met = result.met && met
	}
	return result, nil
}

func turns(p *programs, answer instrument.Behaviour, body string) (rows [][]string, met bool, err error) {
	_, err = withAPI(p, answer, `{url: "${UPSTREAM}", timeout: 10s, attempts: 1}`, func(up *instrument.Upstream, ours *process) (none struct{}, err error) {
		theirs, err := p.baseline(up.URL())
		if err != nil {
			return none, err
		}
		defer theirs.stop()
		var rates, times []float64
		warm := warmUp
		for round := range gatewayRounds {
			a, errA := measureCost(ours, "/proxy/a/x", warm)
			b, errB := measureCost(theirs, "/proxy/a/x", warm)
			warm = 0
			if err := errors.Join(errA, errB); err != nil {
				return none, err
			}
			rates, times = append(rates, a.rate/b.rate), append(times, a.cpu/b.cpu)
			rows = append(rows, []string{
				body, strconv.Itoa(round + 1), fmt.Sprintf("%.0f", a.rate), fmt.Sprintf("%.0f", b.rate), fmt.Sprintf("%.2f", a.rate/b.rate),
				fmt.Sprintf("%.0f", a.cpu), fmt.Sprintf("%.0f", b.cpu), fmt.Sprintf("%.2f", a.cpu/b.cpu),
			})
		}
		rate, time := median(rates), median(times)
		rows = append(rows, []string{body, "median", "", "", fmt.Sprintf("**%.2f**", rate), "", "", fmt.Sprintf("**%.2f**", time)})
		met = rate >= 1.3 && time <= 0.8
		return none, nil
	})
	return rows, met, err
}

// raced compares /proxy with the challenge's API on the same upstream, in turns.
func raced(p *programs) (table, error) {
	return withAPI(p, instrument.AnswerAfter(0), `{url: "${UPSTREAM}", timeout: 10s, strategy: first}`, func(_ *instrument.Upstream, ours *process) (table, error) {
		result := table{header: []string{"round", "`/proxy` µs per call", "`/api/first` µs per call", "ratio"}}
		var ratios []float64
		warm := warmUp
		for round := range gatewayRounds {
			a, errA := measureCost(ours, "/proxy/a/x", warm)
			b, errB := measureCost(ours, "/api/first?timeout=1000", warm)
			warm = 0
			if err := errors.Join(errA, errB); err != nil {
				return table{}, err
			}
			ratios = append(ratios, a.cpu/b.cpu)
			result.rows = append(result.rows, []string{
				strconv.Itoa(round + 1), fmt.Sprintf("%.0f", a.cpu), fmt.Sprintf("%.0f", b.cpu), fmt.Sprintf("%.2f", a.cpu/b.cpu),
			})
		}
		result.rows = append(result.rows, []string{"median", "", "", fmt.Sprintf("**%.2f**", median(ratios))})
		result.met = median(ratios) <= 1.2
		return result, nil
	})
}

// ruled runs the benchmark of the success rule.
func ruled(p *programs) (table, error) {
	costs, order, err := benchmarked(p, "rule.test", ".")
	result := table{header: []string{"benchmark", "µs", "allocations"}, met: len(order) > 0}
	for _, name := range order {
		c := costs[name]
		result.rows = append(result.rows, []string{name, fmt.Sprintf("**%.1f**", c.ns/1000), fmt.Sprintf("**%.0f**", c.allocations)})
		result.met = result.met && c.ns <= 5000 && c.allocations <= 12
	}
	return result, err
}

// adapted runs the benchmarks of what an adaptive delay and a budget add to a call.
func adapted(p *programs) (table, error) {
	delay, _, err := benchmarked(p, "hedge.test", "Call$")
	if err != nil {
		return table{}, err
	}
	budget, _, err := benchmarked(p, "fanout.test", "HedgeBudget$")
	d, b := delay["Call"], budget["HedgeBudget"]
	return table{
		[]string{"delay read, three attempts recorded", "a hedge taken and earned", "together", "allocations"},
		[][]string{{
			fmt.Sprintf("%.0f ns", d.ns), fmt.Sprintf("%.0f ns", b.ns), fmt.Sprintf("**%.0f ns**", d.ns+b.ns), fmt.Sprintf("**%.0f**", d.allocations+b.allocations),
		}},
		d.ns > 0 && b.ns > 0 && d.ns+b.ns <= 100 && d.allocations+b.allocations == 0,
	}, err
}
