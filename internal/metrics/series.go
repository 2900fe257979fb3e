package metrics

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"hedgerow/internal/fanout"
)

// What labels can be. Nothing else is counted.
var (
	statuses = []int{
		http.StatusOK, http.StatusBadRequest, 499, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}
	outcomes = []fanout.Outcome{
		fanout.Won, fanout.Late, fanout.Failed, fanout.TimedOut, fanout.Cancelled, fanout.Abandoned, fanout.Refused,
	}
	statusReasons = []string{"status 1xx", "status 2xx", "status 3xx", "status 4xx", "status 5xx"}
)

// otherReason stands for every reason that is not known.
const otherReason = "other"

// series are those that calls and attempts write to, looked up once: a look-up by labels costs as much as all the rest of counting.
// The maps are not written to any more.
type series struct {
	endpoints    map[string]endpoint
	first, hedge kind
	failures     map[string]prometheus.Counter // by label
}

// endpoint has the series of one endpoint.
type endpoint struct {
	answered     map[int]prometheus.Counter // by status
	duration     prometheus.Observer
	pastDeadline prometheus.Counter
}

// kind has the series of first attempts, or those of hedges.
type kind struct {
	ended    map[fanout.Outcome]prometheus.Counter
	duration prometheus.Observer
}

// newSeries makes every series that there can be.
func (m *Metrics) newSeries(s Settings) series {
	all := series{
		endpoints: map[string]endpoint{}, first: m.newKind("first"), hedge: m.newKind("hedge"), failures: map[string]prometheus.Counter{},
	}
	for _, path := range s.Endpoints {
		e := endpoint{
			answered: map[int]prometheus.Counter{},
			duration: m.callDuration.WithLabelValues(path), pastDeadline: m.pastDeadline.WithLabelValues(path),
		}
		for _, status := range statuses {
			e.answered[status] = m.calls.WithLabelValues(path, strconv.Itoa(status))
		}
		all.endpoints[path] = e
	}
	for _, reason := range slices.Concat(s.Reasons, statusReasons, []string{fanout.ReasonInternal, otherReason}) {
		all.failures[reason] = m.failures.WithLabelValues(reason)
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

// failure is the counter of attempts that failed for a reason, for a status that of its class.
func (s *series) failure(reason string) prometheus.Counter {
	if status, ok := strings.CutPrefix(reason, "status "); ok && len(status) == 3 {
		reason = "status " + status[:1] + "xx"
	}
	if counter, ok := s.failures[reason]; ok {
		return counter
	}
	return s.failures[otherReason]
}
