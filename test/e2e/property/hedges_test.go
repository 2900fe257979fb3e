package property

import "hedgerow/internal/fanout"

// refuse refuses n attempts of a call that are held back.
func (w *world) refuse(number, n int, why fanout.Kind) {
	c := &w.calls[number]
	for range n {
		c.attempts[c.fired] = attempt{stage: settled, hedge: true, started: w.now, outcome: fanout.Refused, refused: why}
		c.fired++
	}
}

// fireHeld sends the attempts held back. Those to places that have asked for time are refused, and of each of the rows between these
// what the budget does not have; what it has of a row is sent together or not at all.
func (w *world) fireHeld(p plan, number int) {
	c := &w.calls[number]
	rest := c.held
	c.held, c.hedgeAt = 0, never
	for rest > 0 {
		if w.asks(p, number, c.fired) {
			w.refuse(number, 1, fanout.KindPushback)
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

// pay sends as many of n attempts held back as the budget has.
func (w *world) pay(p plan, number, n int) {
	if p.Calls[number].Pays == 0 {
		w.fire(p, number, n, true)
		return
	}
	paid := min(n, fullBudget-(w.spent+aHedge-1)/aHedge)
	if w.fire(p, number, paid, true) {
		w.spent += paid * aHedge
	}
	w.refuse(number, n-paid, fanout.KindBudget)
}

// asks tells whether the place of an attempt has asked for time that is not over.
func (w *world) asks(p plan, number, attempt int) bool {
	return w.asked[p.place(number, attempt)] > w.now
}

// ask notes that an attempt has failed by itself and has asked for time.
func (w *world) ask(p plan, number, i int) {
	until := &w.asked[p.place(number, i)]
	*until = max(*until, w.now+p.Calls[number].Attempts[i].Asks)
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
