package mutation

var mutations = []mutation{
	{
		"the queue has one slot", "fanout/call.go",
		"make(chan Result[T], s.settings.Producers)", "make(chan Result[T], 1)",
	},
	{
		"the deadline is not watched", "fanout/call.go",
		"		case <-c.timer.C:\n			c.over = ErrTimedOut\n", "		case <-c.timer.C:\n",
	},
	{
		"a success at the deadline is dropped", "fanout/call.go",
		"time.NewTimer(plan.Timeout - waited + tick)", "time.NewTimer(plan.Timeout - waited - tick)",
	},
	{
		"a result that is ready does not come before the deadline", "fanout/call.go",
		"		select {\n		case r := <-c.queue:\n			return c.take(r), nil\n		default:\n			if c.over != nil {\n" +
			"				return Result[T]{}, c.over\n			}\n		}\n",
		"		if c.over != nil {\n			return Result[T]{}, c.over\n		}\n",
	},
	{
		"losers are cancelled at once, without their grace", "fanout/losers.go",
		"grace == 0 || errors.Is(c.over, ErrAbandoned)", "grace == 0 || c.over == nil || errors.Is(c.over, ErrAbandoned)",
	},
	{
		"losers are never cancelled", "fanout/losers.go",
		"time.AfterFunc(grace, c.cutLosers)", "time.AfterFunc(grace, func() {})",
	},
	{
		"a loser that succeeds counts as a failure", "fanout/losers.go",
		"own := Late", "own := Failed",
	},
	{
		"a loser that was cancelled counts as a failure", "fanout/losers.go",
		"own = Cancelled", "own = Failed",
	},
	{
		"an attempt running at the deadline counts as a failure", "fanout/call.go",
		"return TimedOut\n", "return Failed\n",
	},
	{
		"a caller that goes away is not noticed", "fanout/call.go",
		"case <-c.caller.Done():", "case <-c.ctx.Done():",
	},
	{
		"the attempts of a caller gone are left their grace", "fanout/losers.go",
		"grace == 0 || errors.Is(c.over, ErrAbandoned)", "grace == 0 || errors.Is(nil, ErrAbandoned)",
	},
	{
		"the end of the caller's context cancels losers", "fanout/call.go",
		"context.WithCancel(context.WithoutCancel(caller))", "context.WithCancel(caller)",
	},
	{
		"a call is made for a caller that had gone before", "fanout/fanout.go",
		"if ctx.Err() != nil {", "if ctx == nil {",
	},
	{
		"hedges are fired late", "fanout/call.go",
		"time.NewTimer(delay + tick)", "time.NewTimer(2*delay + tick)",
	},
	{
		"hedges are fired by a failure alone", "fanout/call.go",
		"if n > 0 && delay < time.Until(c.deadline) {", "if n < 0 && delay < time.Until(c.deadline) {",
	},
	{
		"hedges are not fired by a failure", "fanout/smart.go",
		"		c.FireHeld()\n", "",
	},
	{
		"hedges look like first attempts", "fanout/call.go",
		"c.fire(n, true)", "c.fire(n, false)",
	},
	{
		"smart fires everything at once", "fanout/smart.go",
		"c.Fire(1)", "c.Fire(c.Producers())",
	},
	{
		"the cap is not enforced", "fanout/fanout.go",
		"old+int64(n) > int64(s.settings.MaxInFlight)", "old+int64(n) > 100*int64(s.settings.MaxInFlight)",
	},
	{
		"the cap is one too low", "fanout/fanout.go",
		"old+int64(n) > int64(s.settings.MaxInFlight)", "old+int64(n) >= int64(s.settings.MaxInFlight)",
	},
	{
		"a refused call keeps its places under the cap", "fanout/fanout.go",
		"			return false\n", "			s.inFlight.Add(int64(n))\n			return false\n",
	},
	{
		"refused attempts are not counted", "fanout/call.go",
		"		c.attempts = append(c.attempts, a)\n		c.observe(a)\n", "		c.attempts = append(c.attempts, a)\n",
	},
	{
		"hedges are sent although the API has asked to wait", "fanout/call.go",
		"c.service.pushback.left(now) > 0", "c.service.pushback.left(now) < 0",
	},
	{
		"first attempts wait too when the API has asked to", "fanout/call.go",
		"if c.overdue {", "if c.overdue || c.service.pushback.left(time.Now()) > 0 {",
	},
	{
		"the API may ask for any time", "fanout/pushback.go",
		"min(d, maxPushback)", "d",
	},
	{
		"a shorter wait replaces a longer one", "fanout/pushback.go",
		"until <= old || p.until", "p.until",
	},
	{
		"an attempt that has ended stays in flight", "fanout/call.go",
		"		c.service.inFlight.Add(-1)\n", "",
	},
	{
		"a panic of an attempt is not recovered", "fanout/call.go",
		"if p := recover(); p != nil {", "if p := any(nil); p != nil {",
	},
	{
		"an attempt that exits its goroutine has succeeded", "fanout/call.go",
		"Result[T]{Err: errExited, number: number}", "Result[T]{number: number}",
	},
	{
		"an answer's attempts change after it", "fanout/losers.go",
		"	c.settle(r, c.fate(own))\n", "	c.attempts[r.number] = c.settle(r, c.fate(own))\n",
	},
	{
		"a loser's result that was on the queue before the answer is forgotten", "fanout/losers.go",
		"	c.settleLosers() //", "	//",
	},
	{
		"all answers with the first success", "fanout/all.go",
		"values = append(values, r.Value)", "return []T{r.Value}, nil",
	},
	{
		"all loses the order of arrival", "fanout/all.go",
		"values = append(values, r.Value)", "values = append([]T{r.Value}, values...)",
	},
	{
		"all answers with nothing when all failed", "fanout/all.go",
		"len(values) == 0", "len(values) < 0",
	},
	{
		"first ends with a failure", "fanout/first.go",
		"		if r.Err == nil {\n", "		if r.Err != nil {\n			return nil, ErrFailed\n		}\n		{\n",
	},
	{
		"within-timeout fails at the timeout", "fanout/within_timeout.go",
		"			break\n", "			return nil, err\n",
	},
	{
		"any status of 2xx is a success", "upstream/client.go",
		"if response.StatusCode != http.StatusOK {", "if response.StatusCode/100 != 2 {",
	},
	{
		"a body over the limit is a body", "upstream/body.go",
		"int64(len(text)) > limit", "int64(len(text)) > 2*limit",
	},
	{
		"a body of unknown length over the limit is cut, not refused", "upstream/body.go",
		"io.LimitReader(response.Body, limit+1)", "io.LimitReader(response.Body, limit)",
	},
	{
		"a gzip bomb is cut, not refused", "upstream/body.go",
		"io.LimitReader(unzipped, limit+1)", "io.LimitReader(unzipped, limit)",
	},
	{
		"a time in quotes is an integer", "upstream/body.go",
		"strconv.ParseInt(string(value), 10, 64)", "strconv.ParseInt(strings.Trim(string(value), `\"`), 10, 64)",
	},
	{
		"the deadline runs from when the service gets to a request", "listen/arrival.go",
		"time.Now().Add(-waited)", "time.Now()",
	},
	{
		"the kernel's coarse clock makes deadlines early", "listen/arrival.go",
		"-coarseness)", "+coarseness)",
	},
	{
		"a request sent ahead of time waits from its arrival", "listen/arrival.go",
		"if arrival.Before(c.answered) {", "if c.answered.Before(time.Time{}) {",
	},
	{
		"a call that has waited for a moment is refused", "fanout/call.go",
		"max(plan.Timeout/waitShare, shortWait)", "max(plan.Timeout/waitShare, 0)",
	},
	{
		"a call that has waited too long is made all the same", "fanout/call.go",
		"> max(plan.Timeout/waitShare, shortWait)", "> max(plan.Timeout*waitShare, shortWait)",
	},
	{
		"a repeated timeout counts once", "http/timeout.go",
		"case len(values) > 1:", "case len(values) > 9:",
	},
	{
		"a timeout over the maximum is clamped", "http/timeout.go",
		"return 0, &timeoutError{\"is out of range\", maximum}", "return maximum, nil",
	},
	{
		"a query that does not parse is read as far as it does", "http/timeout.go",
		"	if err != nil {\n		return 0, &timeoutError{\"stands in a query", "	if err != nil && query == nil {\n		return 0, &timeoutError{\"stands in a query",
	},
}
