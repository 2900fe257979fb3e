package property

import (
	"time"
)

// explorer visits the worlds that a plan can lead to.
type explorer struct {
	plan plan
	// allowed, unless nil, leaves out the worlds that a run has not gone through.
	allowed func(w *world, call int) bool
	seen    map[world]bool
	ends    []world
}

// explore returns how a plan can end: all ways, or those that agree with a run. It stops at limit.
func explore(p plan, allowed func(*world, int) bool, limit int) []world {
	e := &explorer{plan: p, allowed: allowed, seen: map[world]bool{}}
	open := []world{{spent: p.Spent * aHedge, quota: bucket{level: p.Quota.level()}}}
	for len(open) > 0 && len(e.ends) < limit {
		w := open[len(open)-1]
		open = open[:len(open)-1]
		if e.seen[w] {
			continue
		}
		e.seen[w] = true
		open = append(open, e.next(w)...)
	}
	return e.ends
}

// next returns the worlds one step on. Time goes on only when nothing is left to happen now.
func (e *explorer) next(w world) []world {
	var worlds []world
	stepped := false
	for number := range e.plan.Calls {
		for _, step := range e.steps(&w, number) {
			stepped = true
			after := w
			step(&after)
			if e.allowed == nil || e.allowed(&after, number) {
				worlds = append(worlds, after)
			}
		}
	}
	if stepped {
		return worlds
	}
	next := e.nextMoment(&w)
	if next == endless {
		e.ends = append(e.ends, w)
		return nil
	}
	w.pass(e.plan, next)
	return []world{w}
}

type step func(*world)

// steps are what may happen to a call at this moment.
func (e *explorer) steps(w *world, number int) []step {
	c, planned, p := &w.calls[number], e.plan.Calls[number], e.plan
	var steps []step
	may := func(possible bool, s step) {
		if possible {
			steps = append(steps, s)
		}
	}
	may(c.stage == unborn && planned.Begins == w.now, func(w *world) { w.begin(p, number) })
	may(c.stage == waiting && c.turn == w.now, func(w *world) { w.turn(p, number) })
	may(c.stage == waiting && planned.Begins+planned.Leaves == w.now, func(w *world) { w.leave(p, number) })
	for i := range c.fired {
		a, will := &c.attempts[i], planned.Attempts[i]
		now := a.stage == running && a.started+will.After == w.now
		asks := will.Ending == fails && will.Asks > 0
		may(now && asks, func(w *world) { w.ask(p, number, i) })
		may(now && !asks || a.stage == asking, func(w *world) { w.end(p, number, i, false) })
		may(a.stage == running && c.cut && !will.Deaf, func(w *world) { w.end(p, number, i, true) })
	}
	return append(steps, e.callSteps(w, number)...)
}

// callSteps are what the consumer of a call may do at this moment, or whoever settles its losers.
func (e *explorer) callSteps(w *world, number int) []step {
	c := &w.calls[number]
	if c.stage == running {
		return e.decisions(w, number)
	}
	if c.stage != ended {
		return nil
	}
	var steps []step
	if c.queued > 0 && (c.cut || c.graceEnd > c.answer.at) { // a cut at once comes first
		steps = append(steps, func(w *world) { w.lose(number) })
	}
	if !c.cut && c.graceEnd == w.now {
		steps = append(steps, func(w *world) { w.calls[number].cut = true })
	}
	return steps
}

// decisions are what the consumer of a call may do at this moment. A result that is ready comes before the end.
func (e *explorer) decisions(w *world, number int) []step {
	c, planned, p := &w.calls[number], e.plan.Calls[number], e.plan
	var steps []step
	switch {
	case c.queued > 0:
		steps = append(steps, func(w *world) { w.take(p, number) })
	case c.over != nil:
		return []step{func(w *world) { w.giveUp(p, number) }}
	}
	if c.over != nil {
		return steps
	}
	if c.hedgeAt == w.now {
		steps = append(steps, func(w *world) { w.fireHeld(p, number) })
	}
	for _, end := range ends(planned) {
		if end.at == w.now {
			steps = append(steps, func(w *world) { w.calls[number].over = end.err })
		}
	}
	return steps
}

const endless = 10 * never

// nextMoment is when something may happen next.
func (e *explorer) nextMoment(w *world) time.Duration {
	next := endless
	at := func(possible bool, moment time.Duration) {
		if possible && moment > w.now {
			next = min(next, moment)
		}
	}
	for number, planned := range e.plan.Calls {
		c := &w.calls[number]
		at(c.stage == unborn, planned.Begins)
		at(c.stage == waiting, min(c.turn, planned.Begins+planned.Leaves))
		for i := range c.fired {
			at(c.attempts[i].stage == running, c.attempts[i].started+planned.Attempts[i].After)
		}
		for _, end := range ends(planned) {
			at(c.stage == running, end.at)
		}
		at(c.stage == running && c.held > 0, c.hedgeAt)
		at(c.stage == ended && !c.cut, c.graceEnd)
	}
	return next
}
