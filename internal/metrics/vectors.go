package metrics

import "github.com/prometheus/client_golang/prometheus"

// vectors are the metrics of calls and of their attempts: those of the challenge's API, or those of the APIs of the file.
type vectors struct {
	calls        *prometheus.CounterVec
	callDuration *prometheus.HistogramVec
	pastDeadline *prometheus.CounterVec

	attempts        *prometheus.CounterVec
	attemptDuration *prometheus.HistogramVec
	failures        *prometheus.CounterVec
	refusals        *prometheus.CounterVec
	saved           *prometheus.CounterVec

	connections, requests, resends, unsent *prometheus.CounterVec
}

// naming is what tells one set of vectors from another.
type naming struct {
	prefix, upstream string   // of the metrics' names: of all, and of those about connections and requests
	call, calls      string   // in the metrics' descriptions: what one call and several are called
	source           string   // in the metrics' descriptions: what attempts are made at
	by               string   // the label that tells calls apart
	labels           []string // those of every metric of attempts
}

func newVectors(n naming) *vectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: durations}, labels)
	}
	attempts := func(labels ...string) []string { return append(append([]string{}, n.labels...), labels...) }
	return &vectors{
		calls: counter(n.prefix+"calls_total",
			n.calls+" answered. Status 499: the caller went away before its answer.", n.by, "status"),
		callDuration: histogram(n.prefix+"call_duration_seconds", "Time from the arrival of "+n.call+" to its answer.", n.by),
		pastDeadline: counter(n.prefix+"answers_past_deadline_total",
			n.calls+" answered more than 10 ms after their timeout. The service aims to stay below that in 999 of 1000 calls.", n.by),
		attempts: counter(n.prefix+"attempts_total",
			"Attempts at "+n.source+" that have ended or were refused. Hedges are attempts that were held back at first.",
			attempts("kind", "outcome")...),
		attemptDuration: histogram(n.prefix+"attempt_duration_seconds", "Time that an attempt ran, whatever its outcome.", attempts("kind")...),
		failures: counter(n.prefix+"attempt_failures_total",
			"Attempts with the outcome failed, by reason. Statuses are counted by class.", attempts("reason")...),
		refusals: counter(n.prefix+"refusals_total",
			"Attempts with the outcome refused, by reason. None of them was sent.", attempts("kind", "reason")...),
		saved: counter(n.prefix+"hedge_saved_seconds_total",
			"Time that hedges have saved "+n.calls+" at least. For each that a hedge won: how much later the first attempt ended. "+
				"One that was cut before its end counts up to the cut, so more was saved than this.", attempts()...),
		connections: counter(n.upstream+"connections_total",
			"Connections made to "+n.source+". When there are as many as requests, none is used again.", attempts()...),
		requests: counter(n.upstream+"requests_total",
			"Requests sent to "+n.source+": attempts, less those unsent, plus those sent again.", attempts()...),
		resends: counter(n.upstream+"resends_total",
			"Requests sent once more, because a kept connection had ended before the answer began or an HTTP/2 stream was refused.", attempts()...),
		unsent: counter(n.upstream+"unsent_total",
			"Attempts that ended before their request was sent, because they had no connection in time.", attempts()...),
	}
}

// vector has a series for each combination of its labels' values.
type vector interface {
	prometheus.Collector
	DeletePartialMatch(labels prometheus.Labels) int
}

func (v *vectors) all() []vector {
	return []vector{
		v.calls, v.callDuration, v.pastDeadline, v.attempts, v.attemptDuration, v.failures, v.refusals, v.saved,
		v.connections, v.requests, v.resends, v.unsent,
	}
}

func (v *vectors) register(with *prometheus.Registry) {
	for _, vector := range v.all() {
		with.MustRegister(vector)
	}
}

// remove takes away every series that has this value of a label.
func (v *vectors) remove(label, value string) {
	for _, vector := range v.all() {
		vector.DeletePartialMatch(prometheus.Labels{label: value})
	}
}
