// Package otel reads OpenTelemetry's own variables, as far as they are about traces.
package otel

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Traces says where spans go, and of which calls there are any.
type Traces struct {
	// Endpoint is what spans are posted to, http or https, with a host.
	Endpoint *url.URL
	// Headers go with each request. They may be secret.
	Headers http.Header
	// Timeout is the time for a batch of spans to arrive, with everything that is sent again.
	Timeout time.Duration
	// Gzip says that requests are compressed.
	Gzip bool
	// TLS is nil when the system's authorities are trusted and this client has no certificate.
	TLS *tls.Config

	Sampler Sampler
	// Propagate says that traces go on from callers and to APIs: W3C Trace Context.
	Propagate bool

	// ServiceName is empty when no variable gives one.
	ServiceName string
	// Attributes are those of the resource, in their order.
	Attributes []Attribute

	// Queue is how many spans may wait, and Batch, which is not larger, how many of them are sent at a time.
	Queue, Batch int
	// Delay is how long the first span of a batch waits for others.
	Delay time.Duration
}

// Sampler says of which calls there are spans.
type Sampler struct {
	// Ratio is the share of the traces, from 0 to 1.
	Ratio float64
	// ByParent says that a caller which sends a trace has decided.
	ByParent bool
}

// Attribute has a name and a value.
type Attribute struct{ Name, Value string }

// Problem is what is wrong with a variable.
type Problem struct {
	Variable, Text string
	// Fatal problems have no default that would do: no span would arrive.
	Fatal bool
}

// Parse returns what the variables say, nil when they ask for no traces: OTEL_SDK_DISABLED is true, OTEL_TRACES_EXPORTER is none, or no
// endpoint is set and OTEL_TRACES_EXPORTER is not otlp. Only what decides whether spans arrive is fatal, for OpenTelemetry asks for a
// warning and the default elsewhere.
func Parse(variables map[string]string) (*Traces, []Problem) {
	r := &reader{variables: variables}
	if !r.wanted() {
		return nil, r.problems
	}
	t := &Traces{Timeout: r.milliseconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", r.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", 10*time.Second))}
	r.protocol()
	t.Endpoint, t.Headers, t.Gzip, t.TLS = r.endpoint(), r.headers(), r.gzip(), r.tls()
	t.Sampler, t.Propagate = r.sampler(), r.propagate()
	t.ServiceName, t.Attributes = valid(r.get("OTEL_SERVICE_NAME")), r.attributes()
	t.Queue = r.number("OTEL_BSP_MAX_QUEUE_SIZE", wholeNumber, 2048, 1<<20)
	t.Batch = min(t.Queue, r.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", wholeNumber, 512, 1<<20))
	t.Delay = r.milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5*time.Second)
	t.Timeout = min(t.Timeout, r.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", 30*time.Second))
	return t, r.problems
}

// wanted tells whether there are to be traces.
func (r *reader) wanted() bool {
	switch disabled := strings.ToLower(r.get("OTEL_SDK_DISABLED")); disabled {
	case "true":
		return false
	case "", "false":
	default:
		r.warnf("OTEL_SDK_DISABLED", "%q is neither true nor false, and counts as false", disabled)
	}
	switch exporter := r.get("OTEL_TRACES_EXPORTER"); strings.ToLower(exporter) {
	case "none":
		return false
	case "otlp":
		return true
	case "":
		_, endpoint := r.forTraces("ENDPOINT")
		return endpoint != ""
	default:
		r.refusef("OTEL_TRACES_EXPORTER", "%q is neither otlp nor none", exporter)
		return true
	}
}

// sampler reads the sampler and its argument.
func (r *reader) sampler() Sampler {
	const ratio = "traceidratio"
	const variable = "OTEL_TRACES_SAMPLER"
	name := strings.ToLower(r.get(variable))
	root, byParent := strings.CutPrefix(name, "parentbased_")
	switch root {
	case "always_on":
		return Sampler{1, byParent}
	case "always_off":
		return Sampler{0, byParent}
	case ratio:
		return Sampler{r.share(variable+"_ARG", 1), byParent}
	}
	if name != "" {
		r.warnf(variable, "%q is not always_on, always_off, %s or one of these behind parentbased_; it is parentbased_always_on now", name, ratio)
	}
	return Sampler{1, true}
}

// propagate tells whether W3C Trace Context is among the propagators. Baggage is the other one of the default. It is the callers' own, and
// goes on where an API's forward.headers name it.
func (r *reader) propagate() bool {
	const variable = "OTEL_PROPAGATORS"
	names := r.get(variable)
	if names == "" {
		return true
	}
	found := false
	for name := range strings.SplitSeq(names, ",") {
		switch name = strings.TrimSpace(name); strings.ToLower(name) {
		case "tracecontext":
			found = true
		case "baggage", "none", "":
		default:
			r.warnf(variable, "%q is ignored: tracecontext is the only one that there is here", name)
		}
	}
	return found
}
