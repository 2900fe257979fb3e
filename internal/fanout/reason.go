package fanout

import "strconv"

// Kind is the kind of a Reason: a word or a few from a closed set. Sources have kinds of their own beside these.
type Kind string

const (
	// KindInternal is every failure that a source does not explain by a Failure, such as a panic.
	KindInternal Kind = "internal error"
	// KindCap is that of an attempt for which the cap on attempts in flight left no room.
	KindCap Kind = "cap"
	// KindWait is that of an attempt whose call had waited for too long before Do was called.
	KindWait Kind = "wait"
	// KindPushback is that of a hedge that was held back because the source has asked for time.
	KindPushback Kind = "pushback"
	// KindBudget is that of a hedge for which the hedge budget had nothing left.
	KindBudget Kind = "budget"
	// KindQuota is that of an attempt for which the quota of requests had nothing left in time.
	KindQuota Kind = "quota"
)

// Reason is why an attempt failed or was not sent, as data. It has no addresses, names or data from the source's side in it, so it
// may be shown to callers. The zero value means: no reason.
type Reason struct {
	Kind Kind
	// Code tells reasons of a kind apart, such as a status. 0 when the kind has no codes.
	Code int
}

// String is the kind and, when there is one, the code: "status 500".
func (r Reason) String() string {
	if r.Code == 0 {
		return string(r.Kind)
	}
	return string(r.Kind) + " " + strconv.Itoa(r.Code)
}
