// Command bench measures Hedgerow against its targets and against a hand-written net/http service, and prints a Markdown table for
// each target. It starts everything it needs on the loopback interface and ends within 25 minutes, six of them for hedges.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// target is one figure to reach.
type target struct {
	name string
	what string
	run  func(*programs) (table, error)
}

// table is what a target prints. met says whether the target was reached.
type table struct {
	header []string
	rows   [][]string
	met    bool
}

var targets = []target{
	{"P1", "`first`, instant upstream, 32 connections: at least 2.1 times net/http with immediate cancelling", capacity("/api/first", 2.1)},
	{"P2", "`all`, instant upstream, 32 connections: at least 1.35 times net/http", capacity("/api/all", 1.35)},
	{"P3", "`first`, 100-600 ms with 15 % failures: the most connections with at least 0.93 times theory's calls/s, and p50 and p99 within 8 %: at least 1.5 times net/http's", steady},
	{"P4", "`smart`, the same upstream, as many connections: p50 and p99 within 8 %, requests per call within 2 % of theory", latencySmart},
	{"P5", "deadline, 200 calls in flight, any upstream: last byte after the timeout, p99.9 at most 10 ms", deadline},
	{"P6", "`within-timeout?timeout=400`, 100-600 ms, as many connections: p99 at most 430 ms, at most 0.1 % not 200", latencyWithinTimeout},
	{"P7", "engine alone, 3 producers, no network: at most 0.6 times failsafe-go's hedge and 0.5 times hedgedhttp's; at most 18 allocations", engine},
	{"P8", "memory per concurrent `all` call: at most 60 KB; goroutines for the record", memory},
	{"P9", "new connections: 1,000 `all` in turn at most 3; `first` within the grace at most 0.05 per call", connections},
	{"P10", "60 s of `first` at 300/s, losers never answered: no port errors, FIN_WAIT and TIME_WAIT at most 1,000", sockets},
	{"P11", "overload at 2, 5 and 10 times capacity: goodput at least 0.9 of it, refusals p99 at most 10 ms, normal again in 5 s", overload},
	{"P12", "start to first answer at most 80 ms, idle memory at most 22 MiB, image at most 40 MB, a health check at most 20 ms of processor time", startUp},
	{"P13", "processor time per call, instant upstream, 32 connections: `first` at most 0.40 times net/http's, `all` at most 0.68 times", processorTime},
	{"P14", "`/proxy` with one attempt, 32 connections: at least 1.3 times a plain ReverseProxy's calls/s, at most 0.8 times its processor time", reverseProxied},
	{"P15", "`/proxy` with `first` of three: at most 1.2 times the processor time of the challenge's `first`", raced},
	{"P16", "success rule with a condition on a 1 KiB body: at most 5 µs and 12 allocations", ruled},
	{"P17", "adaptive delay and budget, on the path of a call of three attempts: at most 100 ns, no allocation", adapted},
	{"replicas", "1, 2 and 3 replicas, each with a fifth of a core: calls/s at least 0.9 of linear", replicated},
	{"P18", "`first`, instant upstream, 32 connections, one call in a hundred traced: at least 0.97 times the calls/s without traces", traced},
	{"KS", "20,000 calls per strategy, on the challenge's API and on `/proxy`, against the closed form: Kolmogorov-Smirnov", distributions},
	{"tail", "tail tolerance: settings that others have published figures for", tolerance},
	{"hedging", "p99 against extra requests, drawn as images/hedging.svg", drawHedging},
	{"limits", "what concurrent calls need, 100-600 ms upstream", limits},
	{"curves", "latency curves on the default testing server, drawn as images/latency.svg", drawCurves},
}

func main() {
	only := flag.String("only", "", "run these targets only, separated by commas: P1,P2")
	profiles := flag.String("profiles", "", "folder for a CPU profile of Hedgerow under each target's first load")
	flag.Parse()
	runtime.LockOSThread() // the main thread, whose /proc/net countSockets reads, stays in its network: see veth.Pair
	p, err := build()
	if err == nil {
		err = inOwnNetwork(p, func() error { return run(p, *only, *profiles) })
		p.remove()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run prints the tables of the targets named in only, or of all. It fails when one of them cannot be measured or is not met.
func run(p *programs, only, profiles string) error {
	var missed []string
	for _, t := range targets {
		if only != "" && !slices.Contains(strings.Split(only, ","), t.name) {
			continue
		}
		if profiles != "" {
			p.profile.Store(new(filepath.Join(profiles, t.name+".pprof")))
		}
		began := time.Now()
		result, err := t.run(p)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		fmt.Printf("### %s: %s\n\n", t.name, t.what)
		fmt.Printf("| %s |\n|%s\n", strings.Join(result.header, " | "), strings.Repeat("---|", len(result.header)))
		for _, row := range result.rows {
			fmt.Printf("| %s |\n", strings.Join(row, " | "))
		}
		if !result.met {
			missed = append(missed, t.name)
		}
		fmt.Printf("\n%s: %s (%s)\n\n", t.name, verdict(result.met), time.Since(began).Round(time.Second))
	}
	if len(missed) > 0 {
		return fmt.Errorf("missed: %s", strings.Join(missed, ", "))
	}
	return nil
}
