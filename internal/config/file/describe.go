package file

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"hedgerow/internal/forward"
	"hedgerow/internal/hedge"
	"hedgerow/internal/quota"
)

// Describe says in words what the file means, with the secrets as they were written: each API's settings, what a route has
// otherwise, and a curl line for each example, for a service at addr, such as "localhost:5000".
func (f *File) Describe(addr string) string {
	var text strings.Builder
	for i := range f.APIs {
		a := &f.APIs[i]
		fmt.Fprintf(&text, "%s\n", a.Name)
		writeLines(&text, "  ", a.lines())
		common := a.Settings.lines()
		writeLines(&text, "  ", common)
		for _, route := range a.Routes {
			lines := slices.DeleteFunc(route.lines(), func(l line) bool { return slices.Contains(common, l) })
			if len(lines) == 0 {
				lines = []line{{"as the API", "nothing is different"}}
			}
			fmt.Fprintf(&text, "  %s\n", route.Pattern)
			writeLines(&text, "    ", lines)
		}
		if a.Example.Value() != "" {
			writeLines(&text, "  ", []line{{"try", a.curl(addr)}})
		}
		text.WriteString("\n")
	}
	for _, warning := range f.Warnings() {
		fmt.Fprintf(&text, "warning: %s\n", warning)
	}
	return text.String()
}

type line struct{ what, text string }

func writeLines(text *strings.Builder, indent string, lines []line) {
	for _, l := range lines {
		fmt.Fprintf(text, "%s%-14s %s\n", indent, l.what, printable(l.text))
	}
}

// lines are what routes do not change.
func (a *API) lines() []line {
	var lines []line
	for i, u := range a.URLs {
		what := "url"
		if len(a.URLs) > 1 {
			what = fmt.Sprintf("url %d", i+1)
		}
		lines = append(lines, line{what, u.String()})
	}
	if len(a.URLs) > 1 {
		first := "the first attempt goes to url 1, each further one to the next"
		if a.Spread {
			first = "the first attempts go round the URLs too, each further one goes to the next"
		}
		lines = append(lines, line{"order", first})
	}
	protocols := map[Protocol]string{Auto: "HTTP/2 where TLS offers it, else HTTP/1.1", HTTP1: "HTTP/1.1", H2C: "HTTP/2 in clear text"}
	lines = append(lines, line{"protocol", protocols[a.Protocol]})
	if t := a.TLS; t != nil {
		lines = append(lines, line{"tls", t.words()})
	}
	for _, h := range a.Set {
		lines = append(lines, line{"set", h.Name + ": " + h.shown()})
	}
	inFlight := "as many attempts as the process may have (HEDGEROW_MAX_IN_FLIGHT)"
	if a.MaxInFlight > 0 {
		inFlight = fmt.Sprintf("at most %d attempts", a.MaxInFlight)
	}
	return append(lines, line{"in flight", inFlight}, line{"quota", a.quotaWords()})
}

func (a *API) quotaWords() string {
	if a.Quota == (quota.Rate{}) {
		return "off: nothing bounds the requests"
	}
	return fmt.Sprintf("%v: at most %d at once; attempts beyond a call's first are not sent when less than a tenth of that is left", a.Quota, a.Quota.Burst())
}

func (t *TLS) words() string {
	words := []string{"the authorities of the system"}
	if t.Roots != nil {
		words[0] = "the authorities in " + t.CA.String()
	}
	if t.Certificate != nil {
		words = append(words, "the client certificate in "+t.Cert.String())
	}
	return allOf(words)
}

// shown is a header's value for people: a credential that was written out is not shown either.
func (h Header) shown() string {
	if slices.Contains(forward.Credentials(), h.Name) && !h.Value.Secret() {
		return "(not shown)"
	}
	return h.Value.String()
}

// lines are what routes may change.
func (s *Settings) lines() []line {
	return []line{
		{"methods", s.methodWords()},
		{"timeout", fmt.Sprintf("%v; a caller may ask for 1ms to %v by Hedgerow-Timeout", short(s.Timeout), short(s.MaxTimeout))},
		{"strategy", s.strategyWords()},
		{"budget", s.Hedge.budgetWords()},
		{"sent once", s.repeatWords()},
		{"success", s.Success.words()},
		{"goes on", s.forwardWords()},
		{"dropped", s.droppedWords()},
		{"comes back", s.answerWords()},
		{"bodies", fmt.Sprintf("requests up to %s, answers up to %s", sizeWords(s.MaxRequestBody), sizeWords(s.MaxBody))},
	}
}

func (s *Settings) methodWords() string {
	words := allOf(s.Methods) + "; others get 405"
	if !slices.Contains(s.Methods, http.MethodOptions) {
		words += ", OPTIONS 204"
	}
	return words
}

func (s *Settings) strategyWords() string {
	switch {
	case s.Attempts == 1:
		return s.Strategy + ", with one attempt"
	case s.Strategy == "smart":
		return fmt.Sprintf("smart: one attempt, and %d more when it has failed or has not succeeded within %s", s.Attempts-1, s.Hedge.delayWords())
	}
	return fmt.Sprintf("%s, with %d attempts", s.Strategy, s.Attempts)
}

func (h *Hedge) delayWords() string {
	if h.Quantile == 0 {
		return short(h.Delay)
	}
	lower, upper := hedge.DefaultMin, "half the timeout"
	if h.Max > 0 {
		lower, upper = min(lower, h.Max), short(h.Max)
	}
	if h.Min > 0 {
		lower = h.Min
	}
	return fmt.Sprintf("%v of the last minute's attempts, from %s to %s", h.Quantile, short(lower), upper)
}

func (h *Hedge) budgetWords() string {
	if h.Budget == 0 {
		return "off: nothing bounds the hedges of smart"
	}
	return fmt.Sprintf("hedges for %v of the calls by smart that end well, at most 10 at a time; others are refused", h.Budget)
}

func (s *Settings) repeatWords() string {
	switch {
	case s.Repeatable:
		return "nothing: every method may be sent several times"
	case s.IdempotencyKey:
		return "POST, PATCH and what else is not idempotent, unless it has an Idempotency-Key"
	}
	return "POST, PATCH and what else is not idempotent"
}

func (s *Success) words() string {
	words := "status " + s.Status.String()
	if s.If != nil {
		words += "; and " + s.IfText.String() + " unless there is no body"
	}
	return words
}

func (s *Settings) forwardWords() string {
	named := slices.DeleteFunc(slices.Clone(s.Forward.Headers), func(name string) bool {
		return name == "*" || slices.Contains(forward.Usual(), name)
	})
	if slices.Contains(s.Forward.Headers, "*") {
		if len(named) == 0 {
			return "every header of the caller but what is dropped"
		}
		return "every header of the caller but what is dropped; by name " + allOf(named)
	}
	return allOf(append(forward.Usual(), named...))
}

func (s *Settings) droppedWords() string {
	var kept []string
	for _, name := range append(forward.Credentials(), "User-Agent") {
		if !s.Forward.Goes(name) {
			kept = append(kept, name)
		}
	}
	words := []string{"Forwarded, X-Forwarded-* and what belongs to the connection"}
	if len(kept) > 0 {
		words = append([]string{strings.Join(kept, ", ")}, words...)
	}
	if !slices.Contains(s.Forward.Headers, "*") {
		words = append(words, "every other header of the caller")
	}
	return strings.Join(words, "; ")
}

func (s *Settings) answerWords() string {
	var without []string
	if !slices.Contains(s.Keep, "Set-Cookie") {
		without = append(without, "Set-Cookie")
	}
	for _, name := range s.Remove {
		if !slices.Contains(without, name) {
			without = append(without, name)
		}
	}
	if len(without) == 0 {
		return "every header of the API but what belongs to the connection"
	}
	return "every header of the API but " + allOf(without) + " and what belongs to the connection"
}

// curl is a line for a shell that calls the example.
func (a *API) curl(addr string) string {
	target := addr + "/proxy/" + a.Name + a.Example.String()
	options := ""
	if strings.ContainsAny(a.Example.Value(), "[]{}") {
		options += " -g"
	}
	switch {
	case slices.Contains(a.Methods, http.MethodGet):
	case slices.Contains(a.Methods, http.MethodHead):
		options += " -I"
	default:
		options += " -X " + a.Methods[0]
	}
	if a.Example.Secret() {
		return fmt.Sprintf("curl%s \"%s\"", options, strings.NewReplacer(`"`, `\"`, "`", "\\`").Replace(target)) // the shell fills it in
	}
	return fmt.Sprintf("curl%s '%s'", options, strings.ReplaceAll(target, "'", `'\''`))
}
