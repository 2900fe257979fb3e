package main

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// samples of one run.
type samples struct {
	calls   []instrument.Sample
	elapsed time.Duration
	errors  int
}

// closedLoop is instrument.ClosedLoop.
func closedLoop(addr, path string, n int, warmUp, d time.Duration) samples {
	calls, broken := instrument.ClosedLoop(addr, path, n, warmUp, d)
	return samples{calls, d, broken}
}

// check fails when more than one call in 1,000 had another status than 200, or there were none.
func (s samples) check() error {
	bad := len(s.calls) - len(s.sorted(http.StatusOK)) + s.errors
	if len(s.calls) == 0 || bad > len(s.calls)/1000 {
		return fmt.Errorf("%d of %d calls failed", bad, len(s.calls))
	}
	return nil
}

// rate is calls per second.
func (s samples) rate() float64 { return float64(len(s.calls)) / s.elapsed.Seconds() }

// sorted are the durations of the calls with the given status, all calls for 0, shortest first.
func (s samples) sorted(status int) []time.Duration {
	d := make([]time.Duration, 0, len(s.calls))
	for _, c := range s.calls {
		if status == 0 || c.Status == status {
			d = append(d, c.Took)
		}
	}
	slices.Sort(d)
	return d
}

// quantile of sorted durations, by the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// median of any values.
func median(values []float64) float64 {
	v := slices.Clone(values)
	slices.Sort(v)
	return v[len(v)/2]
}
