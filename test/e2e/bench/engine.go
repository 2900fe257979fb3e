package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

const engineRounds = 3

// engineLine is a line of `go test -bench -benchmem`.
var engineLine = regexp.MustCompile(`(?m)^Benchmark(\w+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op\s+\d+ B/op\s+(\d+) allocs/op$`)

// cost of a call.
type cost struct{ ns, allocations float64 }

// engine runs the benchmarks in test/e2e/engine, which make calls of three producers without a network.
func engine(p *programs) (table, error) {
	costs, order, err := benchmarked(p, "engine.test", ".", "GOGC=200") // the service's default, for all of them
	if err != nil {
		return table{}, err
	}
	result := table{header: []string{"first success of 3 producers, no network, GOGC=200", "calls/s", "µs per call", "allocations per call"}}
	for _, name := range order {
		c := costs[name]
		result.rows = append(result.rows, []string{
			name, fmt.Sprintf("%.0f", 1e9/c.ns), fmt.Sprintf("**%.1f**", c.ns/1000), fmt.Sprintf("**%.0f**", c.allocations),
		})
	}
	ours, failsafe, hedged := costs["HedgerowFirst"], costs["FailsafeHedge"], costs["HedgedHTTP"]
	if ours.ns == 0 || failsafe.ns == 0 || hedged.ns == 0 {
		return table{}, errors.New("test/e2e/engine lacks a benchmark")
	}
	result.met = ours.ns <= 0.6*failsafe.ns && ours.ns <= 0.5*hedged.ns && ours.allocations <= 18
	return result, nil
}

// benchmarked runs benchmarks of a program that tests a package, in an environment, and returns their medians and their order.
func benchmarked(p *programs, program, names string, environment ...string) (map[string]cost, []string, error) {
	command := exec.Command(filepath.Join(p.folder, program),
		"-test.run=^$", "-test.bench="+names, "-test.benchmem", "-test.count="+strconv.Itoa(engineRounds))
	command.Env = append(os.Environ(), environment...)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %s", command, err, output)
	}
	costs, order := medianCosts(engineLine.FindAllStringSubmatch(string(output), -1))
	return costs, order, nil
}

// medianCosts are the medians of each benchmark's rounds, and the benchmarks' names in their order.
func medianCosts(lines [][]string) (costs map[string]cost, order []string) {
	times, allocations := map[string][]float64{}, map[string][]float64{}
	for _, line := range lines {
		name := line[1]
		if times[name] == nil {
			order = append(order, name)
		}
		ns, _ := strconv.ParseFloat(line[2], 64)    // the pattern lets only
		count, _ := strconv.ParseFloat(line[3], 64) // numbers through
		times[name], allocations[name] = append(times[name], ns), append(allocations[name], count)
	}
	costs = map[string]cost{}
	for name := range times {
		costs[name] = cost{median(times[name]), median(allocations[name])}
	}
	return costs, order
}
