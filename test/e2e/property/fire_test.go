package property

import (
	"time"

	"hedgerow/internal/fanout"
)

// bars is why n attempts must not be sent, whatever the quota has. What is refused so takes nothing of it.
func (w *world) bars(p plan, number, n int) fanout.Kind {
	switch {
	case p.Calls[number].overdue():
		return fanout.KindWait
	case w.inFlight+n > p.MaxInFlight:
		return fanout.KindCap
	}
	return ""
}

// fire sends n attempts of a call, or refuses them all.
func (w *world) fire(p plan, number, n int, hedge bool) bool {
	if why := w.bars(p, number, n); why != "" {
		w.refuse(number, n, hedge, why)
		return false
	}
	w.inFlight += n
	c := &w.calls[number]
	c.open += n
	for range n {
		c.attempts[c.fired] = attempt{stage: running, hedge: hedge, started: w.now, outcome: fanout.Running}
		c.fired++
	}
	return true
}

// refuse refuses n attempts of a call.
func (w *world) refuse(number, n int, hedge bool, why fanout.Kind) {
	c := &w.calls[number]
	for range n {
		c.attempts[c.fired] = attempt{stage: settled, hedge: hedge, started: w.now, outcome: fanout.Refused, refused: why}
		c.fired++
	}
}

func (w *world) begin(p plan, number int) {
	c := &w.calls[number]
	c.stage, c.hedgeAt = running, never
	if p.Calls[number].Leaves == 0 {
		c.over = fanout.ErrAbandoned
		w.decide(p, number, fanout.ErrAbandoned)
		return
	}
	w.first(p, number)
}

// first asks the quota for the attempts that begin a call.
func (w *world) first(p plan, number int) {
	c, planned, n := &w.calls[number], p.Calls[number], p.atOnce(number)
	if p.Quota.Rate == 0 || w.bars(p, number, n) != "" {
		w.send(p, number, n)
		return
	}
	turn := w.now + time.Duration(max(0, aRequest-w.quota.level)/p.Quota.Rate)
	switch {
	case turn == w.now:
		w.takeOf(1)
		w.send(p, number, 1+w.spare(p, number, n-1))
	case turn < planned.turnBy():
		w.takeOf(1)
		w.quota.last = turn
		c.stage, c.turn = waiting, turn
	default:
		w.refuse(number, n, false, fanout.KindQuota)
		c.answer.retry = max(turn, w.asked[p.place(number, 0)]) - w.now
		w.decide(p, number, fanout.ErrRefused)
	}
}

// send sends the attempts that begin a call as far as the quota has granted them, and holds the others back.
func (w *world) send(p plan, number, granted int) {
	c, planned, n := &w.calls[number], p.Calls[number], p.atOnce(number)
	c.stage = running
	sent := w.fire(p, number, granted, false)
	w.refuse(number, n-granted, false, fanout.KindQuota)
	if !sent {
		w.decide(p, number, fanout.ErrRefused)
		return
	}
	c.held = p.Producers - n
	if left := planned.Begins + planned.Timeout - w.now - planned.Delay; c.held > 0 && left > 0 && left >= planned.Least {
		c.hedgeAt = w.now + planned.Delay + tick
	}
}

// fireHeld sends the attempts held back, unless the call is over. Those to places that have asked for time are refused, and of each of the
// rows between these what the budget or the quota does not have; what they have of a row is sent together or not at all.
func (w *world) fireHeld(p plan, number int) {
	c, planned := &w.calls[number], p.Calls[number]
	rest := c.held
	c.held, c.hedgeAt = 0, never
	if c.over != nil || w.now >= planned.Begins+planned.Timeout+tick {
		return
	}
	for rest > 0 {
		if w.asks(p, number, c.fired) {
			w.refuse(number, 1, true, fanout.KindPushback)
			rest--
			continue
		}
		row := 1
		for row < rest && !w.asks(p, number, c.fired+row) {
			row++
		}
		rest -= row
		w.pay(p, number, row)
	}
}

// pay sends as many of n attempts held back as the budget and the quota have.
func (w *world) pay(p plan, number, n int) {
	paid := n
	if p.Calls[number].Pays > 0 {
		paid = min(n, fullBudget-(w.spent+aHedge-1)/aHedge)
	}
	granted := w.spare(p, number, paid)
	if w.fire(p, number, granted, true) && p.Calls[number].Pays > 0 {
		w.spent += granted * aHedge
	}
	w.refuse(number, paid-granted, true, fanout.KindQuota)
	w.refuse(number, n-paid, true, fanout.KindBudget)
}

// asks tells whether the place of an attempt has asked for time that is not over.
func (w *world) asks(p plan, number, attempt int) bool {
	return w.asked[p.place(number, attempt)] > w.now
}

// ask notes that an attempt has failed by itself and has asked for time.
func (w *world) ask(p plan, number, i int) {
	until := &w.asked[p.place(number, i)]
	*until = max(*until, w.now+min(p.Calls[number].Attempts[i].Asks, longestAsk))
	w.fail(number, i)
	w.calls[number].attempts[i].stage = asking
}

// fail notes that an attempt has no success. What was cut would have taken longer.
func (w *world) fail(number, i int) {
	c := &w.calls[number]
	a := &c.attempts[i]
	if a.failed = true; c.cut {
		a.tells = atLeast
	}
}
