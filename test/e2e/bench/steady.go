package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// The most connections are sought in steps, up to a number that no machine of two cores reaches.
const (
	connectionStep = 100
	mostSteps      = 20
	// besideConnections are shown beside the number that was found.
	besideConnections = 1000
	// usualConnections stand for that number when it was not looked for.
	usualConnections = 1000
)

// steady finds the most connections at which `first` keeps to theory, for Hedgerow and for the baseline.
func steady(p *programs) (table, error) {
	result := table{header: []string{
		"", "connections", "calls/s", "of theory", "p50", "of theory", "p99", "of theory", "new connections to the upstream per call", "cores busy: service + load and upstream", "",
	}}
	ours, err := p.mostConnections(&result, "Hedgerow", func(url string) (*process, error) { return p.hedgerow(url) })
	if err != nil {
		return table{}, err
	}
	theirs, err := p.mostConnections(&result, "net/http", p.baseline)
	if err != nil {
		return table{}, err
	}
	p.found = ours
	verdict := "net/http reaches none: the machine is too busy to measure"
	if theirs > 0 {
		verdict = fmt.Sprintf("%d and %d: **%.2f** times as many", ours, theirs, float64(ours)/float64(theirs))
		result.met = float64(ours) >= 1.5*float64(theirs)
	}
	result.rows = append(result.rows, []string{"most", verdict})
	return result, nil
}

// mostConnections adds a row for each number that it tries.
func (p *programs) mostConnections(into *table, name string, start func(url string) (*process, error)) (int, error) {
	beside := false
	try := func(connections int) (bool, error) {
		k, err := keep(connections, start)
		if err != nil {
			return false, fmt.Errorf("%s with %d connections: %w", name, connections, err)
		}
		beside = beside || connections == besideConnections
		into.rows = append(into.rows, append([]string{name}, k.row()...))
		return k.met(), nil
	}
	most, err := mostSteady(mostSteps, func(steps int) (bool, error) { return try(steps * connectionStep) })
	if err == nil && !beside {
		_, err = try(besideConnections)
	}
	return most * connectionStep, err
}

// mostSteady finds the largest step that holds while the next one fails twice. It halves the range, and goes on above a step that has
// failed once and holds then. 0: not even the first one holds.
func mostSteady(top int, holds func(step int) (bool, error)) (int, error) {
	failed := map[int]int{}
	low, high := 0, top+1 // low holds; high fails, or is out of range
	for {
		next := low + 1
		if high-low > 1 {
			next = (low + high) / 2
		} else if next > top || failed[next] >= 2 {
			return low, nil
		}
		ok, err := holds(next)
		if err != nil {
			return 0, err
		}
		if !ok {
			failed[next]++
			high = next
			continue
		}
		if low = next; high <= low {
			for high = low + 1; high <= top && failed[high] < 2; {
				high++
			}
		}
	}
}

// kept is how a load compares with theory.
type kept struct {
	connections       int
	rate, p50, p99    float64 // of theory's
	calls             samples
	broken            int     // neither answered nor failed as theory has it: refused, too late or without an answer
	dialled           float64 // new connections to the upstream per call
	cores             busy
	median, nearlyAll time.Duration
}

func (k kept) met() bool {
	return k.rate >= 0.93 && within(k.p50, 1, 0.08) && within(k.p99, 1, 0.08) && k.broken <= len(k.calls.calls)/1000
}

func (k kept) row() []string {
	verdict := "reached"
	if !k.met() {
		verdict = "not reached"
	}
	if k.broken > 0 {
		verdict += fmt.Sprintf("; %d broken", k.broken)
	}
	ratio := func(r float64) string { return fmt.Sprintf("**%.3f**", r) }
	return []string{
		fmt.Sprint(k.connections), fmt.Sprintf("%.0f", k.calls.rate()), ratio(k.rate), milliseconds(k.median), ratio(k.p50),
		milliseconds(k.nearlyAll), ratio(k.p99), fmt.Sprintf("%.3f", k.dialled), k.cores.String(), verdict,
	}
}

// keep runs `first` on a number of connections in front of the random upstream.
func keep(connections int, start func(url string) (*process, error)) (kept, error) {
	up, err := instrument.StartUpstream(random)
	if err != nil {
		return kept{}, err
	}
	defer up.Stop()
	service, err := start(up.URL())
	if err != nil {
		return kept{}, err
	}
	defer service.stop()
	warm := make(chan int64, 1)
	time.AfterFunc(warmUp, func() { warm <- up.Dialled() })
	s, cores, err := whileBusy(service, func() samples {
		return closedLoop(service.addr, "/api/first?timeout=1000", connections, warmUp, 4*time.Second)
	})
	if err == nil && len(s.calls) == 0 {
		err = errors.New("no call was answered")
	}
	if err != nil {
		return kept{}, err
	}
	th, well := newTheory(firstSurvival), s.sorted(http.StatusOK)
	k := kept{
		connections: connections, calls: s, cores: cores,
		broken:  s.errors + len(s.calls) - len(well) - len(s.sorted(http.StatusBadGateway)),
		dialled: float64(up.Dialled()-<-warm) / float64(len(s.calls)),
		rate:    s.rate() * mean(firstEnding).Seconds() / float64(connections),
	}
	k.median, k.nearlyAll = quantile(well, 0.5), quantile(well, 0.99)
	k.p50, k.p99 = ms(k.median)/ms(th.quantile(0.5)), ms(k.nearlyAll)/ms(th.quantile(0.99))
	return k, nil
}
