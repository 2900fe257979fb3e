// Package hedge knows when hedges go: after a fixed time, or after a quantile of how long the attempts of the last minute took.
package hedge

import (
	"time"

	"hedgerow/internal/fanout"
)

// Delay is when the hedges go of calls that are alike, such as those to one route of an API. By a quantile it learns from their attempts.
// After a minute without an attempt it has no timer and holds no memory but its own. It is safe for concurrent use.
type Delay struct {
	settings Settings
	window   *window // nil for a fixed time
}

// New returns a delay that has not seen an attempt.
func New(s Settings) *Delay {
	d := &Delay{settings: s}
	if s.Quantile > 0 {
		d.window = &window{quantile: s.Quantile}
	}
	return d
}

// When says what the delay is: a fixed time or a quantile.
func (d *Delay) When() When { return d.settings.When }

// Durations is to be told of the calls' attempts, whatever their strategy. It is nil for a fixed time.
func (d *Delay) Durations() fanout.Durations {
	if d.window == nil {
		return nil
	}
	return d.window
}

// At returns for a call with a timeout how long its first attempt is waited for, and how much of the timeout must be left then for a hedge
// to be of use: the fastest success of the last minute, 0 when there is none or the time is fixed. The wait is the longest one while
// the quantile is not known: until 50 attempts of the last minute have succeeded, and while so many were cut before their end that the
// quantile is among these. What is known is a second old at most.
func (d *Delay) At(timeout time.Duration) (wait, least time.Duration) {
	if d.window == nil {
		return d.settings.Delay, 0
	}
	lower, upper := d.settings.bounds(timeout)
	known := d.window.known.Load()
	switch {
	case known == nil:
		return upper, 0
	case known.quantile == 0:
		return upper, known.fastest
	}
	return min(max(known.quantile, lower), upper), known.fastest
}

// End has the delay forget what it knows within a second. The calls that it was for must have ended, with all their attempts.
func (d *Delay) End() {
	if d.window != nil {
		d.window.end()
	}
}
