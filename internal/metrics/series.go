package metrics

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"hedgerow/internal/fanout"
)

// outcomes are those that an attempt that has ended can have.
var outcomes = []fanout.Outcome{
	fanout.Won, fanout.Late, fanout.Failed, fanout.TimedOut, fanout.Cancelled, fanout.Abandoned, fanout.Refused,
}

// refusals are the reasons why an attempt can be refused.
var refusals = []fanout.Kind{fanout.KindCap, fanout.KindWait, fanout.KindPushback, fanout.KindBudget, fanout.KindQuota}

// other is the label of every status and every reason that is not known.
const other = "other"

// otherReason stands for every unknown reason.
var otherReason = fanout.Reason{Kind: other}

// callSeries are the series of calls to one endpoint or API. They are looked up once, because a look-up by labels costs as much as all
// the rest of counting. Nobody writes to the maps after that.
type callSeries struct {
	answered     map[int]prometheus.Counter // by status, or by its hundreds for all that have no series of their own
	other        prometheus.Counter         // every other status
	duration     prometheus.Histogram
	pastDeadline prometheus.Counter
}

// newCalls makes every possible series of the calls that have this label. Statuses are counted by number. classes are the hundreds of
// those that are counted together otherwise.
func (v *vectors) newCalls(name string, statuses, classes []int) *callSeries {
	s := &callSeries{
		answered: map[int]prometheus.Counter{}, other: v.calls.WithLabelValues(name, other),
		duration: v.callDuration.WithLabelValues(name).(prometheus.Histogram), pastDeadline: v.pastDeadline.WithLabelValues(name),
	}
	for _, status := range statuses {
		s.answered[status] = v.calls.WithLabelValues(name, strconv.Itoa(status))
	}
	for _, hundreds := range classes {
		s.answered[hundreds] = v.calls.WithLabelValues(name, strconv.Itoa(hundreds)+"xx")
	}
	return s
}

func (s *callSeries) observe(c Call) {
	answered, ok := s.answered[c.Status]
	if !ok {
		answered, ok = s.answered[c.Status/100]
	}
	if !ok {
		answered = s.other
	}
	answered.Inc()
	s.duration.Observe(c.Duration.Seconds())
	if c.Timeout > 0 && c.Duration > c.Timeout+tolerance {
		s.pastDeadline.Inc()
	}
}

// attemptSeries are the series of attempts at one upstream.
type attemptSeries struct {
	first, hedge kind
	failures     map[fanout.Reason]prometheus.Counter // by class

	connections, requests, resends, unsent, saved prometheus.Counter
}

// kind has the series of first attempts or of hedges.
type kind struct {
	ended    map[fanout.Outcome]prometheus.Counter
	refused  map[fanout.Kind]prometheus.Counter
	duration prometheus.Observer
}

// newAttempts makes every possible series of attempts. labels are their first ones.
func (v *vectors) newAttempts(reasons []fanout.Reason, labels ...string) *attemptSeries {
	s := &attemptSeries{
		first: v.newKind("first", labels), hedge: v.newKind("hedge", labels), failures: map[fanout.Reason]prometheus.Counter{},
		connections: v.connections.WithLabelValues(labels...), requests: v.requests.WithLabelValues(labels...),
		resends: v.resends.WithLabelValues(labels...), unsent: v.unsent.WithLabelValues(labels...),
		saved: v.saved.WithLabelValues(labels...),
	}
	for _, reason := range slices.Concat(reasons, []fanout.Reason{{Kind: fanout.KindInternal}, otherReason}) {
		s.failures[class(reason)] = v.failures.WithLabelValues(slices.Concat(labels, []string{label(reason)})...)
	}
	return s
}

func (v *vectors) newKind(name string, labels []string) kind {
	named := slices.Concat(labels, []string{name})
	k := kind{
		ended: map[fanout.Outcome]prometheus.Counter{}, refused: map[fanout.Kind]prometheus.Counter{},
		duration: v.attemptDuration.WithLabelValues(named...),
	}
	for _, outcome := range outcomes {
		k.ended[outcome] = v.attempts.WithLabelValues(slices.Concat(named, []string{string(outcome)})...)
	}
	for _, reason := range refusals {
		k.refused[reason] = v.refusals.WithLabelValues(slices.Concat(named, []string{string(reason)})...)
	}
	return k
}

func (s *attemptSeries) observe(a fanout.Attempt) {
	k := &s.first
	if a.Hedge {
		k = &s.hedge
	}
	if ended, ok := k.ended[a.Outcome]; ok {
		ended.Inc()
	}
	if a.Outcome == fanout.Refused {
		if refused, ok := k.refused[a.Reason().Kind]; ok {
			refused.Inc()
		}
		return
	}
	if a.Outcome == fanout.Failed {
		s.failure(a.Reason()).Inc()
	}
	k.duration.Observe(a.Duration.Seconds())
}

func (s *attemptSeries) observeRequest(again bool) {
	s.requests.Inc()
	if again {
		s.resends.Inc()
	}
}

// class is the reason that r counts as: its code, if it has one, is the hundreds alone.
func class(r fanout.Reason) fanout.Reason { return fanout.Reason{Kind: r.Kind, Code: r.Code / 100} }

// label is the label of a reason's class: "TLS failure", "status 5xx".
func label(r fanout.Reason) string {
	if r.Code == 0 {
		return string(r.Kind)
	}
	return fmt.Sprintf("%s %dxx", r.Kind, r.Code/100)
}

// failure is the counter of attempts that failed for a reason of r's class.
func (s *attemptSeries) failure(r fanout.Reason) prometheus.Counter {
	if counter, ok := s.failures[class(r)]; ok {
		return counter
	}
	return s.failures[otherReason]
}
