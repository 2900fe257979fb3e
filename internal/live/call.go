package live

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"hedgerow/internal/fanout"
)

// Beginning is what is known of a call when it begins. Nothing that its caller wrote is in it, but for the id.
type Beginning struct {
	// ID is the request's id, as in the log.
	ID string
	// API is the name of an API of the file, empty below /api. Route is the pattern of its route there, empty when none matches, or the path
	// of an endpoint below /api.
	API, Route string
	// Strategy is a name of the closed set that the log has.
	Strategy string
	Arrival  time.Time
	// Timeout is the time for the answer, from Arrival on.
	Timeout time.Duration
}

// How a call can have ended, in one word each.
const (
	callAnswered  = "answered"
	callFailed    = "failed"
	callTimedOut  = "timed_out"
	callRefused   = "refused"
	callAbandoned = "abandoned"
)

// Call is the record of one call, written while it runs. It is a fanout.Watcher. It is safe for concurrent use.
type Call struct {
	history *History
	number  uint64 // counts the calls of the history, from 1
	begun   Beginning

	mu       sync.Mutex // guards what follows
	outcome  string     // empty until the answer
	status   int
	took     time.Duration // from the arrival to the answer
	slow     bool
	attempts []attempt  // in the order in which they were heard of
	few      [3]attempt // their memory, as a rule
	running  int        // attempts fired that have not ended
	version  int        // counts the changes
	encoded  []byte     // this version as JSON, nil until it is asked for; not written to
}

// attempt is what the page shows of one. An error would hold what the API sent; its reason does not.
type attempt struct {
	number, place int
	hedge         bool
	outcome       fanout.Outcome
	reason        fanout.Reason
	from, took    time.Duration // from is after the call's arrival
}

// Fired notes an attempt that is about to be made.
func (c *Call) Fired(a fanout.Attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running++
	c.put(a)
}

// Ended notes an attempt that has ended or was refused.
func (c *Call) Ended(a fanout.Attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Outcome != fanout.Refused {
		c.running--
	}
	c.put(a)
}

// put writes an attempt's record. c.mu is held.
func (c *Call) put(a fanout.Attempt) {
	c.version++
	c.encoded = nil
	record := attempt{
		number: a.Number, place: a.Place, hedge: a.Hedge, outcome: a.Outcome, reason: a.Reason(),
		from: a.Started.Sub(c.begun.Arrival), took: a.Duration,
	}
	if i := slices.IndexFunc(c.attempts, func(b attempt) bool { return b.number == a.Number }); i >= 0 {
		c.attempts[i] = record
		return
	}
	c.attempts = append(c.attempts, record)
}

// Answered notes that the answer has been written. A call that was slow or has failed is kept for longer than others.
func (c *Call) Answered(status int) {
	took := time.Since(c.begun.Arrival)
	slow := c.history.isSlow(c.begun, took)
	c.mu.Lock()
	c.version++
	c.encoded = nil
	c.status, c.took, c.outcome, c.slow = status, took, c.outcomeOf(status), slow
	trouble := slow || c.outcome != callAnswered
	c.mu.Unlock()
	if trouble {
		c.history.keep(c)
	}
}

// statusGone stands for a caller that has gone away before its answer.
const statusGone = 499

// outcomeOf tells how the call ended that was answered with this status. An API's own answer to an attempt that failed may be what the
// caller got, so that the status alone does not tell. c.mu is held.
func (c *Call) outcomeOf(status int) string {
	has := func(outcomes ...fanout.Outcome) bool {
		return slices.ContainsFunc(c.attempts, func(a attempt) bool { return slices.Contains(outcomes, a.outcome) })
	}
	waitsForAll := c.begun.Strategy == "all" || c.begun.Strategy == "within-timeout" // whose answers are our own
	switch {
	case status == statusGone:
		return callAbandoned
	case waitsForAll && status == http.StatusOK, !waitsForAll && has(fanout.Won):
		return callAnswered
	case status == http.StatusGatewayTimeout && has(fanout.TimedOut, fanout.Running):
		return callTimedOut
	case !has(fanout.Failed, fanout.Won, fanout.Running):
		return callRefused
	}
	return callFailed
}

// changed returns the call as JSON when it is not at version any more, and its version. settled says that it will not change again.
func (c *Call) changed(version int) (encoded []byte, now int, settled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	settled = c.outcome != "" && c.running == 0
	if c.version == version {
		return nil, version, settled
	}
	if c.encoded == nil {
		c.encoded = c.encode()
	}
	return c.encoded, c.version, settled
}

// shownCall is a call as the page gets it. Times are in milliseconds; those of attempts count from the arrival.
type shownCall struct {
	Number   uint64         `json:"n"`
	ID       string         `json:"id"`
	API      string         `json:"api"`
	Route    string         `json:"route,omitempty"`
	Strategy string         `json:"strategy"`
	Arrival  float64        `json:"at"` // since 1970
	Timeout  float64        `json:"timeout"`
	Outcome  string         `json:"outcome,omitempty"`
	Status   int            `json:"status,omitempty"`
	Took     float64        `json:"took,omitempty"`
	Slow     bool           `json:"slow,omitempty"`
	Attempts []shownAttempt `json:"attempts"`
}

type shownAttempt struct {
	Number  int     `json:"n"` // from 1
	URL     int     `json:"url"`
	Hedge   bool    `json:"hedge,omitempty"`
	From    float64 `json:"from"`
	Took    float64 `json:"took,omitempty"`
	Outcome string  `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
}

// encode is the call as JSON. c.mu is held.
func (c *Call) encode() []byte {
	shown := shownCall{
		Number: c.number, ID: c.begun.ID, API: c.begun.API, Route: c.begun.Route, Strategy: c.begun.Strategy,
		Arrival: float64(c.begun.Arrival.UnixMicro()) / 1000, Timeout: milliseconds(c.begun.Timeout),
		Outcome: c.outcome, Status: c.status, Took: milliseconds(c.took), Slow: c.slow,
		Attempts: make([]shownAttempt, len(c.attempts)),
	}
	for i, a := range c.attempts {
		shown.Attempts[i] = shownAttempt{
			Number: a.number + 1, URL: a.place + 1, Hedge: a.hedge, From: milliseconds(a.from), Took: milliseconds(a.took),
			Outcome: string(a.outcome), Reason: c.history.words(a.reason),
		}
	}
	encoded, err := json.Marshal(shown)
	if err != nil {
		panic(err) // no value of it can fail
	}
	return encoded
}

// milliseconds is d in milliseconds, to a tenth.
func milliseconds(d time.Duration) float64 { return math.Round(float64(d)/1e5) / 10 }
