package otel

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// reader reads variables and collects what is wrong with them.
type reader struct {
	variables map[string]string
	problems  []Problem
}

func (r *reader) refusef(variable, format string, args ...any) {
	r.problems = append(r.problems, Problem{variable, fmt.Sprintf(format, args...), true})
}

func (r *reader) warnf(variable, format string, args ...any) {
	r.problems = append(r.problems, Problem{variable, fmt.Sprintf(format, args...), false})
}

// get returns a variable's value. An empty one is as good as none.
func (r *reader) get(variable string) string { return strings.TrimSpace(r.variables[variable]) }

// forTraces returns a variable of the exporter, the one for traces before the one for all signals.
func (r *reader) forTraces(name string) (variable, value string) {
	for _, variable = range []string{"OTEL_EXPORTER_OTLP_TRACES_" + name, "OTEL_EXPORTER_OTLP_" + name} {
		if value = r.get(variable); value != "" {
			break
		}
	}
	return variable, value
}

const wholeNumber = "a whole number"

// number returns a whole number from 1 to most. what is what it is called in a problem.
func (r *reader) number(variable, what string, otherwise, most int) int {
	text := r.get(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		r.warnf(variable, "%q is not %s from 1 to %d; it is %d now", text, what, most, otherwise)
		return otherwise
	}
	return n
}

// milliseconds returns a time of at least a millisecond and at most an hour.
func (r *reader) milliseconds(variable string, otherwise time.Duration) time.Duration {
	return time.Duration(r.number(variable, wholeNumber+" of milliseconds", int(otherwise.Milliseconds()), int(time.Hour.Milliseconds()))) * time.Millisecond
}

// share returns a number from 0 to 1.
func (r *reader) share(variable string, otherwise float64) float64 {
	text := r.get(variable)
	if text == "" {
		return otherwise
	}
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || !(share >= 0 && share <= 1) { // NaN is neither
		r.warnf(variable, "%q is not a number from 0 to 1; it is %v now", text, otherwise)
		return otherwise
	}
	return share
}

// attributes returns those of the resource. One that cannot be read discards all of them, as OpenTelemetry has it.
func (r *reader) attributes() []Attribute {
	const variable = "OTEL_RESOURCE_ATTRIBUTES"
	var attributes []Attribute
	for i, pair := range pairs(r.get(variable)) {
		if pair == nil {
			r.warnf(variable, "all of it is ignored: its part %d is not an attribute like name=value, percent-encoded where need be", i+1)
			return nil
		}
		attributes = append(attributes, Attribute{valid(pair.Name), valid(pair.Value)})
	}
	return attributes
}

// valid is a text as it may stand in a span.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// pairs reads a list like a=1,b=2, whose values are percent-encoded. What cannot be read is nil.
func pairs(text string) []*Attribute {
	if text == "" {
		return nil
	}
	var all []*Attribute
	for part := range strings.SplitSeq(strings.TrimSuffix(text, ","), ",") {
		name, value, found := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || name == "" || err != nil {
			all = append(all, nil)
			continue
		}
		all = append(all, &Attribute{name, value})
	}
	return all
}
