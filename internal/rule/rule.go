// Package rule says which answers of an API are a success: by their status, and by a condition on status, headers and body.
package rule

import "net/http"

// Rule tells successes from failures. Its zero value lets nothing through; see DefaultStatuses.
type Rule struct {
	Status StatusSet
	If     *Condition // nil: no condition
}

// Answer is a complete answer of an API.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // unpacked
	NoBody bool   // to HEAD, or 204 or 304: the condition is not asked
}

// Verdict says what a rule thinks of an answer.
type Verdict int

// The verdicts.
const (
	Success Verdict = iota
	WrongStatus
	ConditionNotMet
)

// Judge judges an answer. An error goes with ConditionNotMet and says why the condition could not be evaluated, such as a number
// compared with a text. It may quote the answer, so it is for the log of whoever wrote the condition and not for callers.
func (r *Rule) Judge(a Answer) (Verdict, error) {
	if !r.Status.Has(a.Status) {
		return WrongStatus, nil
	}
	if r.If == nil || a.NoBody {
		return Success, nil
	}
	met, err := r.If.met(a)
	if err != nil || !met {
		return ConditionNotMet, err
	}
	return Success, nil
}
