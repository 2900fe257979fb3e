package file

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"hedgerow/internal/hedge"
	"hedgerow/internal/rule"
)

const (
	defaultTimeout    = time.Second
	defaultMaxTimeout = time.Minute
	defaultAttempts   = 3
	defaultQuantile   = 950
	defaultBudget     = 0.1
	maxAttempts       = 100
	maxInFlight       = 1_000_000
)

// draft is an API, or a route of it, while the file is read: first the defaults, then what defaults: says, then the API, then the
// route. What is written replaces what was there before.
type draft struct {
	API

	written map[string]mark // where the settings that have to fit together were written
	level   int
}

type mark struct {
	at    position
	level int
}

func newDraft() draft {
	return draft{API: API{
		Protocol: Auto,
		Settings: Settings{
			Hedge:          Hedge{Settings: hedge.Settings{When: hedge.When{Quantile: defaultQuantile}}, Budget: defaultBudget},
			Methods:        []string{"GET", "HEAD"},
			Success:        Success{Rule: rule.Rule{Status: rule.DefaultStatuses()}},
			MaxRequestBody: 1 << 20,
			MaxBody:        8 << 20,
		},
	}}
}

// next is the draft of what may say otherwise.
func (w *draft) next() draft {
	next := *w
	next.written = maps.Clone(w.written)
	next.level++
	return next
}

// fitting is a setter that notes where it was written.
func fitting(key string, set setter[draft]) setter[draft] {
	return func(d *decoder, n node, into *draft) {
		before := len(d.List)
		set(d, n, into)
		if len(d.List) == before && n.kind != broken {
			if into.written == nil {
				into.written = map[string]mark{}
			}
			into.written[key] = mark{n.at, into.level}
		}
	}
}

// settle makes the settings that were written fit together, and gives the others their defaults: a default gives way.
func (w *draft) settle(d *decoder, strategies []string) {
	w.ordered(d, "timeout", "max_timeout", w.Timeout > w.MaxTimeout)
	w.ordered(d, "attempts", "max_in_flight", w.Attempts > w.MaxInFlight)
	w.ordered(d, "min", "max", w.Hedge.Min > w.Hedge.Max)
	_, hasTimeout := w.written["timeout"]
	_, hasMax := w.written["max_timeout"]
	switch {
	case !hasMax:
		w.Timeout = orDefault(w.Timeout, defaultTimeout)
		w.MaxTimeout = max(defaultMaxTimeout, w.Timeout)
	case !hasTimeout:
		w.Timeout = min(defaultTimeout, w.MaxTimeout)
	}
	if w.Attempts == 0 {
		w.Attempts = defaultAttempts
		if w.MaxInFlight > 0 {
			w.Attempts = min(w.Attempts, w.MaxInFlight)
		}
	}
	w.Strategy = orDefault(w.Strategy, strategies[0])
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// ordered tells that a setting is over the one that bounds it, once: on the level that wrote the later of the two.
func (w *draft) ordered(d *decoder, key, bound string, over bool) {
	k, hasKey := w.written[key]
	b, hasBound := w.written[bound]
	if !over || !hasKey || !hasBound {
		return
	}
	switch w.level {
	case k.level:
		d.addf(k.at, "%s is over %s, which is at %v: expected at most that", key, bound, b.at)
	case b.level:
		d.addf(b.at, "%s is below %s, which is at %v: expected at least that", bound, key, k.at)
	}
}

// settingsKeys are what an API and its routes may say.
var settingsKeys = keys[draft]{
	"timeout":          fitting("timeout", value(func(w *draft) *time.Duration { return &w.Timeout }, milliseconds)),
	"max_timeout":      fitting("max_timeout", value(func(w *draft) *time.Duration { return &w.MaxTimeout }, milliseconds)),
	"strategy":         strategy,
	"attempts":         fitting("attempts", value(func(w *draft) *int { return &w.Attempts }, number(maxAttempts))),
	"hedge":            within(hedgeKeys, func(w *draft) *draft { return w }),
	"methods":          methods,
	"repeatable":       value(func(w *draft) *bool { return &w.Repeatable }, boolean),
	"idempotency_key":  value(func(w *draft) *bool { return &w.IdempotencyKey }, boolean),
	"forward":          within(forwardKeys, func(w *draft) *Forward { return &w.Forward }),
	"remove":           values(func(w *draft) *[]string { return &w.Remove }, "[Server]", answerHeader),
	"keep":             values(func(w *draft) *[]string { return &w.Keep }, "[Set-Cookie]", answerHeader),
	"success":          within(successKeys, func(w *draft) *Success { return &w.Success }),
	"max_request_body": value(func(w *draft) *int64 { return &w.MaxRequestBody }, size),
	"max_body":         value(func(w *draft) *int64 { return &w.MaxBody }, size),
}

var hedgeKeys = keys[draft]{
	"delay":  value(func(w *draft) *hedge.When { return &w.Hedge.When }, when),
	"min":    fitting("min", value(func(w *draft) *time.Duration { return &w.Hedge.Min }, bound)),
	"max":    fitting("max", value(func(w *draft) *time.Duration { return &w.Hedge.Max }, bound)),
	"budget": value(func(w *draft) *hedge.Budget { return &w.Hedge.Budget }, hedge.ParseBudget),
}

var forwardKeys = keys[Forward]{
	"headers": values(func(f *Forward) *[]string { return &f.Headers }, `[Authorization] or ["*"]`, forwardedHeader),
}

var successKeys = keys[Success]{
	"status": successStatus,
	"if":     successIf,
}

func strategy(d *decoder, n node, into *draft) {
	if s, ok := single(d, n, choice(d.Strategies...)); ok {
		into.Strategy = s
	}
}

func methods(d *decoder, n node, into *draft) {
	values(func(w *draft) *[]string { return &w.Methods }, "[GET, HEAD]", method)(d, n, into)
	if n.kind == list && len(n.items) == 0 {
		d.problem(n, "is an empty list: expected at least one method")
	}
}

func successStatus(d *decoder, n node, into *Success) {
	if !d.is(n, list, "a list, such as [2xx, 404]") {
		return
	}
	if len(n.items) == 0 {
		d.problem(n, "is an empty list: expected at least one status, such as [2xx]")
	}
	set := rule.StatusSet{}
	for _, item := range n.items {
		if more, ok := single(d, item, set.With); ok {
			set = more
		}
	}
	into.Status = set
}

func successIf(d *decoder, n node, into *Success) {
	if !d.is(n, scalar, `an expression like 'json("status") == "ok"'`) {
		return
	}
	if strings.TrimSpace(n.text.Value()) == "" {
		d.problem(n, `is empty: expected an expression like 'json("status") == "ok"'`)
		return
	}
	condition, err := rule.Compile(n.text.Value())
	if err == nil {
		into.If, into.IfText = condition, n.text
		return
	}
	const expected = "expected true or false of status, header(\"X\") and json(\"path\")"
	var syntax *rule.SyntaxError
	if errors.As(err, &syntax) && !n.text.Secret() { // an error quotes what it complains of
		d.problem(n, fmt.Sprintf("character %d: %s: %s", syntax.Offset+1, syntax.Message, expected))
		return
	}
	d.problem(n, "is not an expression: "+expected)
}
