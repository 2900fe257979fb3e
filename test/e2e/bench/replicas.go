package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

const (
	mostReplicas = 3
	// replicaShare is the part of a core that each replica has: three of them, the load and the upstream fit on two cores.
	replicaShare  = 0.2
	replicaRounds = 3
	// ofLinear is how much of n times one replica's calls/s n replicas make at least.
	ofLinear = 0.9
)

// replicated measures how calls/s grow with the replicas, each of which has the same part of a core and a load of its own.
func replicated(p *programs) (table, error) {
	up, err := instrument.StartUpstream(instrument.AnswerAfter(0))
	if err != nil {
		return table{}, err
	}
	defer up.Stop()
	var replicas []*process
	for i := range mostReplicas {
		replica, err := p.hedgerow(up.URL())
		if err != nil {
			return table{}, err
		}
		free, err := confine(replica.Process.Pid, fmt.Sprintf("hedgerow-bench-%d-%d", os.Getpid(), i), replicaShare)
		defer func() { replica.stop(); free() }()
		if err != nil {
			return table{}, err
		}
		replicas = append(replicas, replica)
	}
	if _, err := rateOf(replicas, warmUp); err != nil { // fills their pools
		return table{}, err
	}
	rates := make([][]float64, mostReplicas+1)
	for range replicaRounds {
		for n := 1; n <= mostReplicas; n++ {
			rate, err := rateOf(replicas[:n], 4*time.Second)
			if err != nil {
				return table{}, err
			}
			rates[n] = append(rates[n], rate)
		}
	}
	result := table{header: []string{"replicas", "calls/s by round", "median", "of linear"}, met: true}
	one := median(rates[1])
	for n := 1; n <= mostReplicas; n++ {
		share := median(rates[n]) / (float64(n) * one)
		result.met = result.met && share >= ofLinear
		result.rows = append(result.rows, []string{
			strconv.Itoa(n), fmt.Sprintf("%.0f", rates[n]), fmt.Sprintf("%.0f", median(rates[n])), fmt.Sprintf("**%.2f**", share),
		})
	}
	return result, nil
}

// rateOf is how many calls/s replicas answer together.
func rateOf(replicas []*process, d time.Duration) (float64, error) {
	rates, errs := make([]float64, len(replicas)), make([]error, len(replicas))
	var loads sync.WaitGroup
	for i, replica := range replicas {
		loads.Go(func() {
			s := closedLoop(replica.addr, "/api/first?timeout=5000", capacityConnections, 0, d)
			rates[i], errs[i] = s.rate(), s.check()
		})
	}
	loads.Wait()
	sum := 0.0
	for _, rate := range rates {
		sum += rate
	}
	return sum, errors.Join(errs...)
}

// period is the time in which a confined process may use its share of a core: short, so that it is never held up for long.
const period = 10 * time.Millisecond

// confine lets a process have a part of a core, by a control group of that name. free, never nil, removes it when the process has ended.
func confine(pid int, name string, cores float64) (free func(), err error) {
	share := strconv.FormatInt(int64(cores*float64(period.Microseconds())), 10)
	whole := strconv.FormatInt(period.Microseconds(), 10)
	group, files := filepath.Join("/sys/fs/cgroup/cpu", name), [][2]string{{"cpu.cfs_period_us", whole}, {"cpu.cfs_quota_us", share}}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil { // version 2
		group, files = filepath.Join("/sys/fs/cgroup", name), [][2]string{{"cpu.max", share + " " + whole}}
	}
	free = func() { _ = os.Remove(group) }
	if err := os.Mkdir(group, 0o700); err != nil {
		return free, err
	}
	for _, f := range append(files, [2]string{"cgroup.procs", strconv.Itoa(pid)}) {
		if err := os.WriteFile(filepath.Join(group, f[0]), []byte(f[1]), 0o600); err != nil {
			return free, err
		}
	}
	return free, nil
}
