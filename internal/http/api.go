// Package http is the REST API in Gin: the route table, handlers, problem details for every error, and health. It parses a call, hands
// it to the engine and writes what comes back.
package http

// The annotations in this file and in handlers.go become the package docs: `make generate`.
//
//	@title			Hedgerow
//	@version		1.0
//	@description	Hedgerow stands in front of a slow, unreliable HTTP API and always answers in the time you give it. \
//	@description	A call fires several attempts at that API at once, and one of four strategies decides what to answer.
//	@description
//	@description	| strategy | fires | answers |
//	@description	|---|---|---|
//	@description	| `all` | all attempts at once | with every success, when all have ended |
//	@description	| `first` | all attempts at once | with the first success |
//	@description	| `smart` | one; the others (the hedges) when it has failed, or has not succeeded within the hedge delay | with the first success of any |
//	@description	| `within-timeout` | all attempts at once | with the successes there are at the timeout, or when all have ended |
//	@description
//	@description		Every call needs a `timeout` in milliseconds, and the answer comes by then. Errors are \
//	@description		[problem details](https://www.rfc-editor.org/rfc/rfc9457) of type `application/problem+json`; when the API has let \
//	@description		the call down they say what became of each attempt. The contract for machines is [doc.json](doc.json).
//	@tag.name			strategies
//	@tag.description	Four ways to turn several attempts into one answer in time
//	@tag.name			health
//	@tag.description	For load balancers and orchestrators

// Answer is a success of the upstream API. Nothing else of its body is passed on.
type Answer struct {
	// Time is what the API said in its member `time`.
	Time int64 `json:"time" example:"163"`
} //	@name	Answer

// Health is the answer of the health endpoints.
type Health struct {
	Status string `json:"status" example:"ok"`
	// API is what calls go to, from /readyz only: its URL without user, password and query, or "built-in testing server".
	API string `json:"api,omitempty" example:"https://api.example.org/work"`
} //	@name	Health

// Problem is the body of every error, after RFC 9457. The API's document describes it once for each status: document.go.
type Problem struct {
	// Type is always about:blank: the status alone tells errors apart.
	Type string `json:"type"`
	// Title is the status in words.
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is what went wrong, for a person to read.
	Detail string `json:"detail"`
	// Error is the same text as Detail, for clients that read this member.
	Error string `json:"error"`
	// RequestID is also in the header X-Request-Id and in the log.
	RequestID string `json:"request_id"`
	// Attempts has one entry for each attempt, with the statuses 502 and 504 only.
	Attempts []AttemptReport `json:"attempts,omitempty"`
}

// AttemptReport says what became of one attempt.
type AttemptReport struct {
	// Outcome in one word.
	Outcome string `json:"outcome" enums:"won,late,failed,timed_out,cancelled,abandoned,refused" example:"failed"`
	// Duration in milliseconds.
	Duration float64 `json:"duration_ms" example:"212.4"`
	// Reason why a failed attempt failed or a refused one was not sent.
	Reason string `json:"reason,omitempty" example:"status 500"`
} //	@name	Attempt
