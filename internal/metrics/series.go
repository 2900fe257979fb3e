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

// other is the label of every status and every reason that is not known.
const other = "other"

// otherReason stands for every unknown reason.
var otherReason = fanout.Reason{Kind: other}

// series are the series that calls and attempts write to. They are looked up once, because a look-up by labels costs as much as all
// the rest of counting. Nobody writes to the maps after that.
type series struct {
	endpoints    map[string]endpoint
	first, hedge kind
	failures     map[fanout.Reason]prometheus.Counter // by class
}

// endpoint has the series of one endpoint.
type endpoint struct {
	answered     map[int]prometheus.Counter // by status
	other        prometheus.Counter         // every other status
	duration     prometheus.Observer
	pastDeadline prometheus.Counter
}

// kind has the series of first attempts or of hedges.
type kind struct {
	ended    map[fanout.Outcome]prometheus.Counter
	duration prometheus.Observer
}

// newSeries makes every possible series.
func (m *Metrics) newSeries(s Settings) series {
	all := series{
		endpoints: map[string]endpoint{}, first: m.newKind("first"), hedge: m.newKind("hedge"), failures: map[fanout.Reason]prometheus.Counter{},
	}
	for _, path := range s.Endpoints {
		e := endpoint{
			answered: map[int]prometheus.Counter{}, other: m.calls.WithLabelValues(path, other),
			duration: m.callDuration.WithLabelValues(path), pastDeadline: m.pastDeadline.WithLabelValues(path),
		}
		for _, status := range s.Statuses {
			e.answered[status] = m.calls.WithLabelValues(path, strconv.Itoa(status))
		}
		all.endpoints[path] = e
	}
	for _, reason := range slices.Concat(s.Reasons, []fanout.Reason{{Kind: fanout.KindInternal}, otherReason}) {
		all.failures[class(reason)] = m.failures.WithLabelValues(label(reason))
	}
	return all
}

func (m *Metrics) newKind(name string) kind {
	k := kind{ended: map[fanout.Outcome]prometheus.Counter{}, duration: m.attemptDuration.WithLabelValues(name)}
	for _, outcome := range outcomes {
		k.ended[outcome] = m.attempts.WithLabelValues(name, string(outcome))
	}
	return k
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
func (s *series) failure(r fanout.Reason) prometheus.Counter {
	if counter, ok := s.failures[class(r)]; ok {
		return counter
	}
	return s.failures[otherReason]
}
