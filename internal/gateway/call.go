package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/rule"
	"hedgerow/internal/upstream"
)

// Call is what a caller asks of an API.
type Call struct {
	Route *Route
	// Strategy decides what to fire and what to answer.
	Strategy fanout.Strategy[*Answer]
	// Arrival is when the caller asked, Timeout the time for the answer from then on.
	Arrival time.Time
	Timeout time.Duration
	// Spent is how long the caller took to send its body. It counts against Timeout, and not as a wait for the service.
	Spent time.Duration

	// Request is the caller's. Its body has been read into Body.
	Request *http.Request
	Target  forward.Target
	Body    []byte
	// Via is what the API is told of this process.
	Via forward.Via
	// Trace, when set, returns the trace that goes on with an attempt, by its number, in place of the caller's.
	Trace func(number int) http.Header
	// Holding counts the bodies that the call holds. Whoever made the call ends it when the answer has been written.
	Holding *Holding
	// Watcher, when set, is told what becomes of the attempts. Their place is the number of the URL that they go to, from 0.
	Watcher fanout.Watcher
}

// Answer is a complete answer of an API.
type Answer = upstream.Answer

// Result is what a call ends with.
type Result struct {
	fanout.Answer[*Answer]

	// Failed is the last complete answer that failed by its status, nil without one. A plain proxy would have passed it on.
	Failed *Answer
	// Sent is how many requests had been sent to the API by the end of the call, or were on their way to a connection.
	Sent int
	// Full tells that an attempt failed because the bodies held at the time left no room for its answer.
	Full bool
}

// Do makes a call. It returns by its deadline. Its errors are those of fanout.Service.Do. What it returns is of use until the call
// ends its holding.
func (a *API) Do(ctx context.Context, call Call) (Result, error) {
	e := &exchange{Context: ctx, api: a, call: &call, request: a.newRequest(&call)}
	attempts := call.Route.Attempts
	if !e.request.Repeatable {
		attempts = 1
	}
	e.round = a.order.begin(attempts < call.Route.Attempts) // it would fail where others have a second attempt
	call.Holding.begin(attempts)                            // before the call can end
	delay, least := call.Route.delay.At(call.Timeout)
	answer, err := a.engine.Do(e, fanout.Plan[*Answer]{
		Source: e.attempt, Strategy: call.Strategy, Producers: attempts,
		HedgeDelay: delay, HedgeLeast: least, Durations: call.Route.delay.Durations(), Budget: float64(call.Route.Hedge.Budget),
		Arrival: call.Arrival, Timeout: call.Timeout, Spent: call.Spent, Place: e.url, Watcher: call.Watcher,
	})
	if e.probe >= 0 && !e.tried(e.probe, answer.Attempts) {
		a.order.giveBack(e.probe)
	}
	call.Holding.endAll(attempts - fired(answer.Attempts))
	e.mu.Lock()
	defer e.mu.Unlock()
	return Result{Answer: answer, Failed: e.failed, Sent: e.sent(answer.Attempts), Full: e.full}, err
}

// exchange makes the attempts of one call. It is the caller's context, by which the engine's observer knows the call.
type exchange struct {
	context.Context

	api     *API
	call    *Call
	request *upstream.Request
	round   // of the URLs

	mu       sync.Mutex
	failed   *Answer
	full     bool
	answered []int  // the URLs that have answered
	few      [3]int // its memory, as a rule
}

// sent is how many requests the attempts have made.
func (e *exchange) sent(attempts []fanout.Attempt) int { return fired(attempts) + e.request.More() }

// fired is how many attempts were not refused.
func fired(attempts []fanout.Attempt) int {
	n := 0
	for _, a := range attempts {
		if a.Outcome != fanout.Refused {
			n++
		}
	}
	return n
}

// tried tells whether one of the attempts was sent to a URL.
func (e *exchange) tried(url int, attempts []fanout.Attempt) bool {
	return slices.ContainsFunc(attempts, func(a fanout.Attempt) bool { return a.Outcome != fanout.Refused && a.Place == url })
}

// attempt is a fanout.Source.
func (e *exchange) attempt(ctx context.Context, a fanout.Attempt) (*Answer, error) {
	defer e.call.Holding.End()
	answer, err := e.api.exchange(ctx, a.Place, a, e.request)
	if err != nil {
		e.noteFull(err)
	} else {
		err = e.judge(answer)
	}
	if err != nil {
		return nil, e.withHost(a.Place, err)
	}
	e.noteAnswered(a.Place)
	return answer, nil
}

// withHost is why an attempt failed, as HostError has it.
func (e *exchange) withHost(url int, err error) error {
	host, secret := e.api.settings.URLs[url].Host()
	if failure, ok := errors.AsType[*fanout.Failure](err); ok && secret { // what the network says has the host in it
		shown := &fanout.Failure{Reason: failure.Reason, RetryAfter: failure.RetryAfter}
		if errors.Is(err, upstream.ErrFull) { // which is ours
			shown.Err = upstream.ErrFull
		}
		err = shown
	}
	return &HostError{Host: host, Err: err}
}

// HostError is an attempt's error, with the host that it was made at, and the port if the file names one. When there is a secret in
// these, it has the URL as it was written, and of the error the reason alone, with upstream.ErrFull if that is the cause.
type HostError struct {
	Host string
	Err  error
}

func (e *HostError) Error() string { return e.Host + ": " + e.Err.Error() }

func (e *HostError) Unwrap() error { return e.Err }

// judge is why an attempt with this answer has failed, nil when it is a success.
func (e *exchange) judge(answer *Answer) error {
	verdict, err := e.call.Route.Success.Judge(rule.Answer{
		Status: answer.Status, Header: answer.Header, Body: answer.Unpacked, NoBody: e.hasNoBody(answer.Status),
	})
	switch verdict {
	case rule.Success:
		return nil
	case rule.WrongStatus:
		e.noteFailed(answer)
		return upstream.StatusFailure(answer.Status, answer.Header)
	default:
		return upstream.ConditionFailure(answer.Status, err)
	}
}

// hasNoBody tells whether an answer of this status has none by its nature.
func (e *exchange) hasNoBody(status int) bool {
	return e.request.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
}

// noteAnswered takes a success into account.
func (e *exchange) noteAnswered(url int) {
	if e.urls == 1 {
		return
	}
	e.mu.Lock()
	if e.answered == nil {
		e.answered = e.few[:0]
	}
	e.answered = append(e.answered, url)
	e.mu.Unlock()
	e.api.order.answered(url)
}

// noteEnded takes into account what an attempt that has ended says against its URL. One that was cut says something only when another URL
// has answered the same call meanwhile, and its own has not. What fails for want of our memory says nothing, and neither does a panic.
func (e *exchange) noteEnded(a fanout.Attempt) {
	url := a.Place
	switch a.Outcome {
	case fanout.Failed:
		if _, ok := errors.AsType[*HostError](a.Err); !ok || errors.Is(a.Err, upstream.ErrFull) {
			return
		}
	case fanout.Cancelled, fanout.TimedOut:
		e.mu.Lock()
		elsewhere := len(e.answered) > 0 && !slices.Contains(e.answered, url)
		e.mu.Unlock()
		if !elsewhere {
			return
		}
	default:
		return
	}
	e.api.order.failed(url)
}

func (e *exchange) noteFailed(answer *Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = answer
}

func (e *exchange) noteFull(err error) {
	if errors.Is(err, upstream.ErrFull) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.full = true
	}
}

// newRequest returns what the attempts of a call send.
func (a *API) newRequest(call *Call) *upstream.Request {
	r := call.Request
	header, dropped := call.Route.Requests.Header(r.Header)
	a.dropped.tell(dropped)
	if call.Trace != nil {
		forward.RemoveTrace(header)
	}
	repeatable := call.Route.Repeats(r.Method, header) // by the key that goes on: Connection may have named it
	for _, set := range a.settings.Set {
		header[set.Name] = []string{set.Value.Value()}
	}
	call.Via.Add(header, r.Header["Via"], r.Proto)
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = a.userAgent
	}
	trace := call.Trace
	if forward.Trace(header) != nil { // the file's own
		trace = nil
	}
	return &upstream.Request{
		Method: r.Method, Target: call.Target, Header: header, Fields: trace, Body: call.Body, MaxBody: call.Route.MaxBody,
		Repeatable: repeatable, Memory: call.Holding,
	}
}
