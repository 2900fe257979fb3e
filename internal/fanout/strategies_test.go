package fanout_test

import (
	"testing"
	"time"

	"hedgerow/internal/fanout"
)

var (
	threeAtOnce = []time.Duration{0, 0, 0}
	alone       = []time.Duration{0}
)

func outcomes(o ...fanout.Outcome) []fanout.Outcome { return o }

func TestFirst(t *testing.T) {
	first := fanout.First[int]
	keepAll(t, []promise{
		{name: "the first success is the answer and losers may finish", strategy: first, timeout: 1000 * ms,
			steps:   []step{succeeds(200*ms, 1), succeeds(100*ms, 2), succeeds(300*ms, 3)},
			answers: 100 * ms, values: []int{2}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Late, fanout.Won, fanout.Late)},
		{name: "a failure does not end the race", strategy: first, timeout: 1000 * ms,
			steps:   []step{fails(10 * ms), fails(20 * ms), succeeds(300*ms, 3)},
			answers: 300 * ms, values: []int{3}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Failed, fanout.Failed, fanout.Won)},
		{name: "all failed ends the call at that moment", strategy: first, timeout: 1000 * ms,
			steps:   []step{fails(10 * ms), fails(30 * ms), fails(20 * ms)},
			answers: 30 * ms, err: fanout.ErrFailed, sent: threeAtOnce,
			outcomes: outcomes(fanout.Failed, fanout.Failed, fanout.Failed)},
		{name: "nothing at the timeout", strategy: first, timeout: 100 * ms,
			steps:   []step{succeeds(101*ms, 1), fails(50 * ms), succeeds(hangs, 3)},
			answers: 100*ms + tick, err: fanout.ErrTimedOut, sent: threeAtOnce,
			outcomes: outcomes(fanout.TimedOut, fanout.Failed, fanout.TimedOut)},
		{name: "a success and the deadline together: the success wins", strategy: first, timeout: 100 * ms,
			steps:   []step{succeeds(100*ms, 1), succeeds(hangs, 2), succeeds(hangs, 3)},
			answers: 100 * ms, values: []int{1}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Won, fanout.Cancelled, fanout.Cancelled)},
		{name: "the last failure and the deadline together: all failed", strategy: first, timeout: 100 * ms,
			steps:   []step{fails(100 * ms), fails(100 * ms), fails(100 * ms)},
			answers: 100 * ms, err: fanout.ErrFailed, sent: threeAtOnce,
			outcomes: outcomes(fanout.Failed, fanout.Failed, fanout.Failed)},
		{name: "a loser that fails in its grace has failed", strategy: first, timeout: 1000 * ms,
			steps:   []step{succeeds(100*ms, 1), fails(200 * ms), succeeds(hangs, 3)},
			answers: 100 * ms, values: []int{1}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Won, fanout.Failed, fanout.Cancelled)},
		{name: "a panic is a failed attempt", strategy: first, timeout: 1000 * ms,
			steps:   []step{panics(10 * ms), succeeds(100*ms, 2), panics(150 * ms)},
			answers: 100 * ms, values: []int{2}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Failed, fanout.Won, fanout.Failed)},
		{name: "three panics: all failed", strategy: first, timeout: 1000 * ms,
			steps:   []step{panics(10 * ms), panics(20 * ms), panics(30 * ms)},
			answers: 30 * ms, err: fanout.ErrFailed, sent: threeAtOnce,
			outcomes: outcomes(fanout.Failed, fanout.Failed, fanout.Failed)},
	})
}

func TestAll(t *testing.T) {
	all := fanout.All[int]
	keepAll(t, []promise{
		{name: "the successes in order of arrival when all three have ended", strategy: all, timeout: 1000 * ms,
			steps:   []step{succeeds(300*ms, 1), succeeds(100*ms, 2), succeeds(200*ms, 3)},
			answers: 300 * ms, values: []int{2, 3, 1}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Won, fanout.Won, fanout.Won)},
		{name: "one success is enough", strategy: all, timeout: 1000 * ms,
			steps:   []step{fails(300 * ms), succeeds(100*ms, 2), fails(200 * ms)},
			answers: 300 * ms, values: []int{2}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Failed, fanout.Won, fanout.Failed)},
		{name: "all failed ends the call at that moment", strategy: all, timeout: 1000 * ms,
			steps:   []step{fails(10 * ms), fails(20 * ms), fails(30 * ms)},
			answers: 30 * ms, err: fanout.ErrFailed, sent: threeAtOnce,
			outcomes: outcomes(fanout.Failed, fanout.Failed, fanout.Failed)},
		{name: "one still running at the timeout: no answer", strategy: all, timeout: 250 * ms,
			steps:   []step{succeeds(100*ms, 1), succeeds(hangs, 2), fails(200 * ms)},
			answers: 250*ms + tick, err: fanout.ErrTimedOut, sent: threeAtOnce,
			outcomes: outcomes(fanout.Won, fanout.TimedOut, fanout.Failed)},
		{name: "the last success and the deadline together: the answer", strategy: all, timeout: 300 * ms,
			steps:   []step{succeeds(100*ms, 1), succeeds(200*ms, 2), succeeds(300*ms, 3)},
			answers: 300 * ms, values: []int{1, 2, 3}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Won, fanout.Won, fanout.Won)},
	})
}

func TestWithinTimeout(t *testing.T) {
	withinTimeout := fanout.WithinTimeout[int]
	keepAll(t, []promise{
		{name: "all three ended: no waiting for the timeout", strategy: withinTimeout, timeout: 1000 * ms,
			steps:   []step{succeeds(300*ms, 1), succeeds(100*ms, 2), fails(200 * ms)},
			answers: 300 * ms, values: []int{2, 1}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Won, fanout.Won, fanout.Failed)},
		{name: "at the timeout the successes so far", strategy: withinTimeout, timeout: 250 * ms,
			steps:   []step{succeeds(300*ms, 1), succeeds(100*ms, 2), succeeds(250*ms, 3)},
			answers: 250*ms + tick, values: []int{2, 3}, sent: threeAtOnce,
			outcomes: outcomes(fanout.TimedOut, fanout.Won, fanout.Won)},
		{name: "at the timeout no success: an empty answer", strategy: withinTimeout, timeout: 50 * ms,
			steps:   []step{succeeds(hangs, 1), fails(10 * ms), succeeds(51*ms, 3)},
			answers: 50*ms + tick, values: []int{}, sent: threeAtOnce,
			outcomes: outcomes(fanout.TimedOut, fanout.Failed, fanout.TimedOut)},
		{name: "all failed: an empty answer at that moment", strategy: withinTimeout, timeout: 1000 * ms,
			steps:   []step{fails(10 * ms), panics(20 * ms), fails(30 * ms)},
			answers: 30 * ms, values: []int{}, sent: threeAtOnce,
			outcomes: outcomes(fanout.Failed, fanout.Failed, fanout.Failed)},
	})
}

func TestSmart(t *testing.T) {
	smart := fanout.Smart[int]
	keepAll(t, []promise{
		{name: "one attempt when the first succeeds within the hedge delay", strategy: smart, timeout: 1000 * ms,
			steps:   []step{succeeds(299*ms, 1)},
			answers: 299 * ms, values: []int{1}, sent: alone, outcomes: outcomes(fanout.Won)},
		{name: "one attempt when the first succeeds on the hedge delay itself", strategy: smart, timeout: 1000 * ms,
			steps:   []step{succeeds(hedge, 1)},
			answers: hedge, values: []int{1}, sent: alone, outcomes: outcomes(fanout.Won)},
		{name: "two more at the hedge delay", strategy: smart, timeout: 1000 * ms,
			steps:   []step{succeeds(hangs, 1), succeeds(200*ms, 2), succeeds(100*ms, 3)},
			answers: 400*ms + tick, values: []int{3}, sent: []time.Duration{0, hedge + tick, hedge + tick},
			outcomes: outcomes(fanout.Cancelled, fanout.Late, fanout.Won)},
		{name: "two more at the first failure when that comes before the hedge delay", strategy: smart, timeout: 1000 * ms,
			steps:   []step{fails(50 * ms), succeeds(400*ms, 2), succeeds(100*ms, 3)},
			answers: 150 * ms, values: []int{3}, sent: []time.Duration{0, 50 * ms, 50 * ms},
			outcomes: outcomes(fanout.Failed, fanout.Cancelled, fanout.Won)},
		{name: "a failure of the first after the hedge delay fires no more", strategy: smart, timeout: 1000 * ms,
			steps:   []step{fails(350 * ms), succeeds(200*ms, 2), fails(10 * ms)},
			answers: 500*ms + tick, values: []int{2}, sent: []time.Duration{0, hedge + tick, hedge + tick},
			outcomes: outcomes(fanout.Failed, fanout.Won, fanout.Failed)},
		{name: "the first attempt's late success still wins when it is the fastest", strategy: smart, timeout: 1000 * ms,
			steps:   []step{succeeds(350*ms, 1), succeeds(100*ms, 2), succeeds(200*ms, 3)},
			answers: 350 * ms, values: []int{1}, sent: []time.Duration{0, hedge + tick, hedge + tick},
			outcomes: outcomes(fanout.Won, fanout.Late, fanout.Late)},
		{name: "all failed ends the call at that moment", strategy: smart, timeout: 1000 * ms,
			steps:   []step{fails(50 * ms), fails(10 * ms), fails(20 * ms)},
			answers: 70 * ms, err: fanout.ErrFailed, sent: []time.Duration{0, 50 * ms, 50 * ms},
			outcomes: outcomes(fanout.Failed, fanout.Failed, fanout.Failed)},
		{name: "the hedge delay is inside the timeout", strategy: smart, timeout: 400 * ms,
			steps:   []step{succeeds(hangs, 1), succeeds(101*ms, 2), succeeds(hangs, 3)},
			answers: 400*ms + tick, err: fanout.ErrTimedOut, sent: []time.Duration{0, hedge + tick, hedge + tick},
			outcomes: outcomes(fanout.TimedOut, fanout.TimedOut, fanout.TimedOut)},
		{name: "a timeout of the hedge delay leaves no time to hedge", strategy: smart, timeout: hedge,
			steps:   []step{succeeds(hangs, 1)},
			answers: hedge + tick, err: fanout.ErrTimedOut, sent: alone, outcomes: outcomes(fanout.TimedOut)},
		{name: "a failure before a timeout shorter than the hedge delay still fires two more", strategy: smart, timeout: 200 * ms,
			steps:   []step{fails(50 * ms), succeeds(100*ms, 2), fails(10 * ms)},
			answers: 150 * ms, values: []int{2}, sent: []time.Duration{0, 50 * ms, 50 * ms},
			outcomes: outcomes(fanout.Failed, fanout.Won, fanout.Failed)},
		{name: "a panic of the first fires two more", strategy: smart, timeout: 1000 * ms,
			steps:   []step{panics(50 * ms), succeeds(100*ms, 2), fails(10 * ms)},
			answers: 150 * ms, values: []int{2}, sent: []time.Duration{0, 50 * ms, 50 * ms},
			outcomes: outcomes(fanout.Failed, fanout.Won, fanout.Failed)},
	})
}
