package http_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// fuzzedFile has an API with the usual list of headers, one with all but credentials, and one with some of them too. Their
// base paths differ.
const fuzzedFile = `
defaults: {timeout: 20s, strategy: first, attempts: 1, methods: [GET, POST], max_request_body: 64B}
apis:
  usual: {url: "http://%usual%/v1"}
  star: {url: "http://%star%", forward: {headers: ["*"]}}
  named: {url: "http://%named%/v%2F1/", forward: {headers: ["*", Authorization, cookie, User-Agent]}}
`

var bases = map[string]string{"usual": "/v1", "star": "", "named": "/v%2F1/"}

// hangUp stands behind all that callers send. It is nobody's request, and longer than what may be missing of a body and of a line in it.
var hangUp = strings.Repeat(strings.Repeat("~", 100)+"\r\n\r\n", 2)

var (
	usualFields = []string{
		"accept", "accept-language", "content-type", "content-language", "if-match", "if-none-match", "if-modified-since",
		"if-unmodified-since", "if-range", "range", "idempotency-key", "traceparent", "tracestate",
	}
	credentialFields = []string{"authorization", "cookie", "proxy-authorization"}
	// neverFields are not the caller's to say. The service writes some of them itself.
	neverFields = []string{"host", "content-length", "expect", "via", "accept-encoding", "forwarded"}
)

// goesOn tells whether a field of a caller goes on to an API because of its name.
func goesOn(api, name string) bool {
	switch {
	case slices.Contains(neverFields, name), slices.Contains(connectionFields, name),
		strings.HasPrefix(name, "x-forwarded-"), strings.HasPrefix(name, "hedgerow-"):
		return false
	case slices.Contains(usualFields, name):
		return true
	case slices.Contains([]string{"authorization", "cookie", "user-agent"}, name):
		return api == "named"
	}
	return api != "usual" && !slices.Contains(credentialFields, name)
}

// expected is what has to become of a request.
type expected struct {
	api    string
	target string // what the API is asked for
	sent   bool   // otherwise nothing is, and the answer says why
	either bool   // it may be sent or not
	ours   bool   // it is below /proxy/; otherwise the console or another part of the service answers
}

// expect says what the design makes of a request.
func expect(m message) expected {
	words := strings.Split(m.line, " ")
	e, named := expectTarget(words[1])
	controls, unsure := expectControls(m)
	e.sent = named && controls && slices.Contains([]string{"GET", "POST"}, words[0]) &&
		len(m.all("host")) == 1 && len(m.body) <= 64 && !goesRound(m)
	e.either = e.sent && (unsure || !plainHost.MatchString(m.all("host")[0]))
	return e
}

// expectTarget says which API a target names, and what that is asked for. It is false when the target may not go on.
func expectTarget(target string) (expected, bool) {
	path, query, asks := strings.Cut(target, "?")
	if asks {
		query = "?" + query
	}
	rest, ours := strings.CutPrefix(path, "/proxy/")
	api, below, slash := strings.Cut(rest, "/")
	if slash {
		below = "/" + below
	}
	base, known := bases[api]
	e := expected{api: api, ours: ours, target: strings.TrimSuffix(base, "/") + below + query}
	if below == "" {
		e.target = base + query
		if base == "" {
			e.target = "/" + query
		}
	}
	return e, ours && known && pathMeansOneThing(below) && queryIsVisible(query)
}

var (
	number    = regexp.MustCompile(`^[0-9]+$`)
	plainHost = regexp.MustCompile(`^[0-9A-Za-z.-]+(:[0-9]+)?$`) // servers differ about others
)

// hasty finds timeouts that a busy machine may miss. What is sent then may come to the API when the next input is at its turn.
var hasty = regexp.MustCompile(`(?i)hedgerow-timeout:\s*0*[1-9][0-9]{0,3}\s`)

// expectControls says whether the fields that are for the service itself are good, and whether the request may be refused though they are.
func expectControls(m message) (good, unsure bool) {
	good = true
	if timeouts := m.all("hedgerow-timeout"); len(timeouts) > 0 {
		n, err := strconv.Atoi(timeouts[0])
		good = len(timeouts) == 1 && number.MatchString(timeouts[0]) && err == nil && n >= 1 && n <= 60000
	}
	if strategies := m.all("hedgerow-strategy"); len(strategies) > 0 {
		good = good && len(strategies) == 1 && slices.Contains([]string{"smart", "first", "all", "within-timeout"}, strategies[0])
	}
	if expects := m.all("expect"); len(expects) > 0 && !slices.Equal(expects, []string{"100-continue"}) {
		unsure = true // RFC 9110, section 10.1.1, leaves it to the server
	}
	return good, unsure
}

// goesRound tells whether a request has come through this service before.
func goesRound(m message) bool {
	return slices.ContainsFunc(m.elements("via"), func(element string) bool {
		words := strings.Fields(element)
		return len(words) > 1 && words[1] == pseudonym
	})
}
