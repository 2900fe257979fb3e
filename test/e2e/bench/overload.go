package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"hedgerow/test/e2e/bench/instrument"
)

// The service under overload has room for 50 concurrent all calls of 200 ms each: by Little's law 250 calls/s. So the cap limits it,
// and not the processor, which it shares with the load and the upstream.
const (
	overloadCap      = 150
	overloadUpstream = 200 * time.Millisecond
	overloadPath     = "/api/all?timeout=1000"
	overloadStep     = 6 * time.Second
	refusalLimit     = 10 * time.Millisecond
	recoveryLimit    = 5 * time.Second
)

// load is what became of one offered rate.
type load struct {
	offered, goodput, refused float64 // calls/s
	answerP99, refusalP99     time.Duration
	probeMost                 time.Duration // the slowest of /readyz and /metrics
	other                     int           // neither answered nor refused
}

// overload offers more calls than the service has room for, in an open loop: the rate does not wait for answers.
func overload(p *programs) (table, error) {
	return inFrontOf(p, instrument.AnswerAfter(overloadUpstream), func(_ *instrument.Upstream, ours *process) (table, error) {
		base := closedLoop(ours.addr, overloadPath, overloadCap/3, warmUp, 5*time.Second)
		if err := base.check(); err != nil {
			return table{}, err
		}
		capacity := base.rate()
		result := table{header: []string{"offered", "goodput", "of capacity", "refused", "p99 of answers", "p99 of refusals", "/readyz and /metrics, at most"}, met: true}
		var loads []load
		for _, times := range []float64{0.5, 1, 2, 5, 10} {
			l, err := offer(ours, times*capacity)
			if err != nil {
				return table{}, err
			}
			loads = append(loads, l)
			if times > 1 {
				result.met = result.met && l.goodput >= 0.9*capacity && l.refusalP99 <= refusalLimit && l.other == 0
			}
			result.rows = append(result.rows, []string{
				fmt.Sprintf("%.1f × = %.0f/s", times, l.offered), fmt.Sprintf("%.0f/s", l.goodput), fmt.Sprintf("**%.2f**", l.goodput/capacity),
				fmt.Sprintf("%.0f/s", l.refused), milliseconds(l.answerP99), "**" + milliseconds(l.refusalP99) + "**", milliseconds(l.probeMost),
			})
		}
		recovered, err := recovery(ours, capacity/2)
		if err != nil {
			return table{}, err
		}
		result.met = result.met && recovered <= recoveryLimit
		result.rows = append(result.rows, []string{"0.5 × afterwards", fmt.Sprintf("all answered after **%.2f s**", recovered.Seconds())})
		return result, os.WriteFile("../../images/overload.svg", []byte(loadCurve(loads)), 0o644)
	}, fmt.Sprintf("HEDGEROW_MAX_IN_FLIGHT=%d", overloadCap))
}

// attack makes calls at a fixed rate for d.
func attack(ours *process, path string, rate float64, d time.Duration) <-chan *vegeta.Result {
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: "http://" + ours.addr + path})
	return vegeta.NewAttacker(vegeta.KeepAlive(true)).Attack(target, vegeta.Rate{Freq: int(rate), Per: time.Second}, d, path)
}

// offer makes calls at a rate, and asks for health and metrics meanwhile.
func offer(ours *process, rate float64) (load, error) {
	l := load{offered: rate}
	done := make(chan struct{})
	probed := make(chan time.Duration)
	go func() { probed <- probe(ours, done) }()
	var answers, refusals []time.Duration
	for r := range attack(ours, overloadPath, rate, overloadStep) {
		switch r.Code {
		case http.StatusOK:
			answers = append(answers, r.Latency)
		case http.StatusServiceUnavailable:
			refusals = append(refusals, r.Latency)
		default:
			l.other++
		}
	}
	close(done)
	l.probeMost = <-probed
	if l.probeMost == 0 {
		return load{}, errors.New("/readyz or /metrics failed under load")
	}
	slices.Sort(answers)
	slices.Sort(refusals)
	l.goodput, l.refused = float64(len(answers))/overloadStep.Seconds(), float64(len(refusals))/overloadStep.Seconds()
	l.answerP99, l.refusalP99 = quantile(answers, 0.99), quantile(refusals, 0.99)
	return l, nil
}

// probe asks for health and metrics every 100 ms until done is closed, and returns the longest time it took; 0 when one failed.
func probe(ours *process, done <-chan struct{}) time.Duration {
	var most time.Duration
	for {
		for _, url := range []string{"http://" + ours.addr + "/readyz", "http://" + ours.admin + "/metrics"} {
			began := time.Now()
			if status, err := get(url); err != nil || status != http.StatusOK {
				return 0
			}
			most = max(most, time.Since(began))
		}
		select {
		case <-done:
			return most
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// recovery is how long after an overload, at a rate that the service can serve, the last call was not answered.
func recovery(ours *process, rate float64) (time.Duration, error) {
	began := time.Now()
	var last time.Duration
	calls := 0
	for r := range attack(ours, overloadPath, rate, recoveryLimit+2*time.Second) {
		calls++
		if r.Code != http.StatusOK || r.Latency > overloadUpstream+100*time.Millisecond {
			last = max(last, r.Timestamp.Sub(began))
		}
	}
	if calls == 0 {
		return 0, errors.New("no calls were made")
	}
	return last, nil
}

// loadCurve draws goodput, refusals and their times against the offered load.
func loadCurve(loads []load) string {
	points := func(value func(load) float64) [][2]float64 {
		p := make([][2]float64, 0, len(loads))
		for _, l := range loads {
			p = append(p, [2]float64{l.offered, value(l)})
		}
		return p
	}
	last := loads[len(loads)-1].offered
	rates := panel{
		title: "calls/s, against calls/s offered",
		xMax:  last, xTicks: niceStep(last), xFormat: "%.0f", yMax: last, yTicks: niceStep(last), yFormat: "%.0f",
		lines: []line{
			{name: "answered", colour: "#1a7f37", points: points(func(l load) float64 { return l.goodput })},
			{name: "refused with 503", colour: "#bf3989", points: points(func(l load) float64 { return l.refused })},
		},
		legendX: plotLeft + 40, legendY: plotTop + 40,
	}
	times := panel{
		title: "p99 in ms, against calls/s offered",
		xMax:  last, xTicks: niceStep(last), xFormat: "%.0f", yMax: 250, yTicks: 50, yFormat: "%.0f ms",
		lines: []line{
			{name: "answers", colour: "#1a7f37", points: points(func(l load) float64 { return ms(l.answerP99) })},
			{name: "refusals", colour: "#bf3989", points: points(func(l load) float64 { return ms(l.refusalP99) })},
		},
		legendX: plotLeft + 40, legendY: plotTop + 140,
	}
	return drawing("Load: answered, refused and their p99", rates, times)
}
