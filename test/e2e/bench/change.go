package main

import (
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

const changeRate = 100 // calls/s

func alwaysFails(int64) instrument.Reply {
	return instrument.Reply{After: time.Millisecond, Text: failure}
}

// outage is an API that is well for five seconds and down for a minute. The budget, here its default, is what bounds the requests.
func outage(how string, down instrument.Behaviour) func(p *programs) (table, error) {
	return func(p *programs) (table, error) {
		var isDown atomic.Bool
		answer := func(n int64) instrument.Reply {
			if isDown.Load() {
				return down(n)
			}
			return healthy.answer(n)
		}
		return withAPI(p, answer, `{url: "${UPSTREAM}", strategy: smart, attempts: 3, hedge: {delay: p95}}`, func(up *instrument.Upstream, ours *process) (table, error) {
			for range attack(ours, "/proxy/a/x", changeRate, 5*time.Second) { // they are only made
			}
			time.Sleep(time.Second) // for the losers
			isDown.Store(true)
			before, calls, well := up.Requests(), 0, 0
			for r := range attack(ours, "/proxy/a/x", changeRate, time.Minute) {
				calls++
				if r.Code == http.StatusOK {
					well++
				}
			}
			if well > 0 {
				return table{}, fmt.Errorf("%d calls were answered well by an API that is down", well)
			}
			requests := int(up.Requests() - before)
			met := requests <= calls+10
			name := fmt.Sprintf("an API that %s for a minute, %d calls/s", how, changeRate)
			return table{rows: [][]string{
				{name, "without a budget", fmt.Sprint(calls), "", "", "", "", "+200 %", ""},
				{"`attempts: 3, hedge: {delay: p95, budget: 10%}`", "Hedgerow", fmt.Sprint(calls), "", "", "", "", fmt.Sprintf("**%+d requests**", requests-calls), verdict(met)},
			}, met: met}, nil
		})
	}
}

// slowdown is an API that becomes four times as slow for good. There is no budget, so that the delay alone has to follow.
func slowdown(p *programs) (table, error) {
	const (
		rate    = 2 * changeRate
		settled = 60 * time.Second // after which extra requests are as before
		counted = 20 * time.Second
		slower  = 4
	)
	var factor atomic.Uint64
	factor.Store(math.Float64bits(1))
	answer := healthy.slower(func() float64 { return math.Float64frombits(factor.Load()) })
	return withAPI(p, answer, `{url: "${UPSTREAM}", strategy: smart, attempts: 2, hedge: {delay: p95, budget: off}}`, func(up *instrument.Upstream, ours *process) (table, error) {
		extra := func(d time.Duration) float64 {
			before, calls := up.Requests(), 0
			for range attack(ours, "/proxy/a/x", rate, d) {
				calls++
			}
			return float64(up.Requests()-before)/float64(calls) - 1
		}
		extra(10 * time.Second) // warms up
		before := extra(counted)
		factor.Store(math.Float64bits(slower))
		during := extra(settled)
		after := extra(counted)
		// On a busy machine the warm-up makes a delay that is too long, and fewer extra requests before than the quantile means.
		usual := max(before, 1-0.95)
		met := after <= 1.5*usual
		// A static delay stays where the 95th percentile was.
		p95 := quantileOf(healthy.survival, 0.95)
		percent := func(share float64) string { return fmt.Sprintf("%+.1f %%", 100*share) }
		return table{rows: [][]string{
			{fmt.Sprintf("an API that becomes %d times as slow, %d calls/s", slower, rate), "theory with a static delay", "", "", "", "", "", percent(healthy.extra(p95, 2)) + ", then " + percent(healthy.extra(p95/slower, 2)) + " for good", ""},
			{"`attempts: 2, hedge: {delay: p95, budget: off}`", "Hedgerow", "", "", "", "", "", fmt.Sprintf(
				"%s before, %s in the first %.0f s, then **%s**: **%.2f** times as before (which counts as %s at least)",
				percent(before), percent(during), settled.Seconds(), percent(after), after/usual, percent(1-0.95)), verdict(met)},
		}, met: met}, nil
	})
}
