package property

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hedgerow/internal/fanout"
)

// ending of a call from outside: the deadline's tick, or the caller's leaving.
type outerEnd struct {
	at  time.Duration
	err error
}

func ends(c callPlan) [2]outerEnd {
	return [2]outerEnd{{c.Begins + c.Timeout + tick, fanout.ErrTimedOut}, {c.Begins + c.Leaves, fanout.ErrAbandoned}}
}

// TestTheEngineKeepsItsPromisesWhateverHappens: one answer for each call, the right one at the right time, and the right word for
// each attempt. A goroutine that is left behind fails the bubble by itself.
func TestTheEngineKeepsItsPromisesWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		r := runPlan(t, p)
		for i := range p.Calls {
			checkCall(t, p.Calls[i], &r.calls[i])
		}
		if len(explore(p, r.allows, 1)) == 0 {
			t.Fatalf("the plan\n%+v\nran like this:\n%s\nallowed is:\n%s", p, r, allowed(p))
		}
	})
}

// checkCall checks what holds whatever the plan, without the model.
func checkCall(t *rapid.T, c callPlan, s *seen) {
	if s.answers != 1 {
		t.Fatalf("%d answers to a call", s.answers)
	}
	if latest := c.Begins + c.Timeout + tick; s.at > latest {
		t.Fatalf("answered at %v, deadline %v", s.at, latest)
	}
	for i, settled := range s.settled {
		fired := i < len(s.standing)
		if fired != (len(settled) == 1) {
			t.Fatalf("attempt %d (fired: %t) settled %d times", i, fired, len(settled))
		}
		if !fired {
			continue
		}
		a := settled[0]
		if want := a.Outcome != fanout.Refused; want != (s.sent[i] == 1) {
			t.Fatalf("attempt %d (%s) sent %d times", i, a.Outcome, s.sent[i])
		}
		if (a.Outcome == fanout.Failed || a.Outcome == fanout.Refused) != (a.Err != nil) {
			t.Fatalf("attempt %d is %s with error %v", i, a.Outcome, a.Err)
		}
	}
}

// allows tells whether a world of the model agrees with the run in what has happened to a call so far.
func (r *run) allows(w *world, number int) bool {
	c, s := &w.calls[number], &r.calls[number]
	for i := range c.fired {
		a := &c.attempts[i]
		if a.stage == settled && (len(s.settled[i]) != 1 || !r.same(a, s.settled[i][0])) {
			return false
		}
	}
	if c.stage == settled && !sameMeasures(c, s) {
		return false
	}
	if c.stage == ended || c.stage == settled {
		return sameAnswer(c, s)
	}
	n := min(c.answer.count, len(s.values))
	return slices.Equal(c.answer.values[:n], s.values[:n])
}

func (r *run) same(a *attempt, actual fanout.Attempt) bool {
	duration := a.ended - a.started
	if a.outcome == fanout.Refused {
		duration = 0
		if actual.Reason().Kind != a.refused {
			return false
		}
	}
	return a.outcome == actual.Outcome && a.hedge == actual.Hedge && a.started == actual.Started.Sub(r.began) && duration == actual.Duration
}

// sameMeasures compares what was told of durations and of time saved.
func sameMeasures(c *call, s *seen) bool {
	var measured []told
	for i := range c.fired {
		if a := &c.attempts[i]; a.tells != nothing {
			measured = append(measured, told{a.ended - a.started, a.tells == itsOwn})
		}
	}
	var saved []time.Duration
	if c.saved > 0 {
		saved = []time.Duration{c.saved}
	}
	return slices.Equal(inOrder(measured), inOrder(s.told)) && slices.Equal(saved, s.saved)
}

func inOrder(t []told) []told {
	return slices.SortedFunc(slices.Values(t), func(a, b told) int {
		return cmp.Or(cmp.Compare(a.d, b.d), strings.Compare(fmt.Sprint(a.ended), fmt.Sprint(b.ended)))
	})
}

func sameAnswer(c *call, s *seen) bool {
	if !errors.Is(s.err, c.answer.err) || !sameRefusal(c, s.err) || !c.answer.load.same(s.load) || s.budget != c.answer.budget || s.at != c.answer.at || len(s.standing) < c.fired {
		return false
	}
	for i, a := range s.standing {
		if a.Number != i || a.Outcome != c.answer.standing[i] {
			return false
		}
	}
	return slices.Equal(s.values, c.answer.values[:c.answer.count])
}

func (r *run) String() string {
	var b strings.Builder
	for i := range r.plan.Calls {
		s := &r.calls[i]
		fmt.Fprintf(&b, "  call %d: answered at %v with %v, error %v, budget %d, quota %+v, told %v, saved %v; attempts:", i, s.at, s.values, s.err, s.budget, s.load,
			s.told, s.saved)
		for _, settled := range s.settled {
			for _, a := range settled {
				fmt.Fprintf(&b, " %s %s (hedge %t, started %v, ran %v)", a.Outcome, a.Reason().Kind, a.Hedge, a.Started.Sub(r.began), a.Duration)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// allowed shows some of the ways that a plan may end.
func allowed(p plan) string {
	var b strings.Builder
	for n, w := range explore(p, nil, 6) {
		fmt.Fprintf(&b, "  way %d:\n", n+1)
		for i := range p.Calls {
			c := &w.calls[i]
			fmt.Fprintf(&b, "  call %d: answered at %v with %v, error %v, budget %d, quota %+v, saved %v; attempts:", i, c.answer.at, c.answer.values[:c.answer.count],
				c.answer.err, c.answer.budget, c.answer.load, c.saved)
			for _, a := range c.attempts[:c.fired] {
				fmt.Fprintf(&b, " %s %s (hedge %t, started %v, ended %v)", a.outcome, a.refused, a.hedge, a.started, a.ended)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
