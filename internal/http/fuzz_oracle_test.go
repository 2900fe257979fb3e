package http_test

import (
	"bufio"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assertRequest checks what an API got for a request, field by field.
func assertRequest(t *testing.T, api, raw string, asked message, target string) {
	t.Helper()
	got, rest, ok := strict(raw, requestLine, false, false)
	require.True(t, ok, "the API got what can be read in more than one way: %q", raw)
	require.Empty(t, rest, "behind the request: %q", raw)
	method, _, _ := strings.Cut(asked.line, " ")
	require.Equal(t, method+" "+target+" HTTP/1.1", got.line)
	require.Equal(t, asked.body, got.body)
	want, have := map[string][]string{}, map[string][]string{}
	for _, f := range asked.fields {
		if goesOn(api, f.name) && !asked.ofConnection(f.name) {
			want[f.name] = append(want[f.name], f.value)
		}
	}
	for _, f := range got.fields {
		have[f.name] = append(have[f.name], f.value)
	}
	if agents := want["user-agent"]; len(agents) == 0 {
		want["user-agent"] = []string{"hedgerow/test"}
	} else if len(agents) > 1 || agents[0] == "" {
		delete(want, "user-agent") // nothing says which of several, or how none
		delete(have, "user-agent")
	}
	if pragma := asked.all("pragma"); len(asked.all("cache-control")) == 0 && len(pragma) > 0 && pragma[0] == "no-cache" && api != "usual" && !asked.ofConnection("cache-control") {
		want["cache-control"] = []string{"no-cache"} // net/http translates what HTTP/1.0 says
	}
	assertOwnFields(t, have, asked)
	for _, own := range []string{"host", "via", "content-length", "accept-encoding"} {
		delete(have, own)
	}
	require.Equal(t, want, have, "%q", raw)
}

// assertOwnFields checks the fields that the service writes itself.
func assertOwnFields(t *testing.T, have map[string][]string, asked message) {
	t.Helper()
	require.Len(t, have["host"], 1)
	require.True(t, strings.HasPrefix(have["host"][0], "127.0.0.1:"), have["host"])
	via := message{fields: []field{{"via", strings.Join(have["via"], ",")}}}
	require.Equal(t, append(asked.elements("via"), "1.1 "+pseudonym), via.elements("via"))
	switch length := have["content-length"]; {
	case asked.body != "":
		require.Equal(t, []string{strconv.Itoa(len(asked.body))}, length, "one true length")
	default:
		require.Contains(t, [][]string{nil, {"0"}}, length)
	}
	accepts := strings.ToLower(strings.Join(asked.elements("accept-encoding"), ","))
	switch coding := have["accept-encoding"]; {
	case !strings.Contains(accepts, "gzip") && !strings.Contains(accepts, "*"):
		require.Empty(t, coding)
	case accepts == "gzip":
		require.Equal(t, []string{"gzip"}, coding)
	default:
		require.Contains(t, [][]string{nil, {"gzip"}}, coding)
	}
}

// assertHarmless checks a request that came of bytes which readers may take in more than one way.
func assertHarmless(t *testing.T, api, raw, sends string) {
	t.Helper()
	got, rest, ok := strict(raw, requestLine, false, false)
	require.True(t, ok && rest == "", "%q", raw)
	words := strings.Split(got.line, " ")
	below, ok := strings.CutPrefix(words[1], strings.TrimSuffix(bases[api], "/"))
	path, query, _ := strings.Cut(below, "?")
	require.True(t, ok && pathMeansOneThing(path) && queryIsVisible(query), words[1])
	require.Contains(t, []string{"GET", "POST"}, words[0])
	asked := words[0] + " /proxy/" + api
	assert.True(t, strings.Contains(sends, asked+below) || strings.Contains(sends, asked+strings.TrimPrefix(below, "/")), words[1])
	for _, f := range got.fields {
		switch f.name {
		case "host":
			require.True(t, strings.HasPrefix(f.value, "127.0.0.1:"))
		case "via", "content-length", "user-agent", "accept-encoding", "cache-control":
		default:
			require.True(t, goesOn(api, f.name), f.name)
			require.Contains(t, strings.ToLower(sends), "\n"+f.name+":")
		}
	}
}

// answerFields are all that an answer has: those of the API, and those that are added to it.
var answerFields = []string{
	"Content-Length", "Content-Type", "X-Api", "Via", "Server-Timing", "X-Request-Id", "Hedgerow-Requests", "X-Content-Type-Options",
	"Content-Security-Policy", "Date", "Connection", "Cache-Control", "Cross-Origin-Resource-Policy", "X-Frame-Options", "Allow",
}

// assertAnswer reads the answer to a request and checks it.
func assertAnswer(t *testing.T, from *bufio.Reader, asked message, e expected, sent bool) {
	t.Helper()
	method, _, _ := strings.Cut(asked.line, " ")
	response, err := http.ReadResponse(from, &http.Request{Method: method})
	for err == nil && response.StatusCode == http.StatusContinue {
		response, err = http.ReadResponse(from, &http.Request{Method: method})
	}
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	for name := range response.Header {
		require.True(t, !e.ours || slices.Contains(answerFields, name), name)
	}
	switch {
	case !e.ours:
	case sent && !e.either:
		require.Equal(t, http.StatusOK, response.StatusCode, string(body))
		require.Contains(t, string(body), "{}")
	case !sent:
		refused := response.StatusCode >= 400 && response.StatusCode < 500 || response.StatusCode == http.StatusLoopDetected
		require.True(t, refused || e.either || method == http.MethodOptions, "%d %q", response.StatusCode, body)
	}
}

// checkCalls sends a caller's bytes and checks all that APIs and caller get of them.
func (fz *fuzzed) checkCalls(t *testing.T, sends string) {
	t.Helper()
	sends += hangUp
	if hasty.MatchString(sends) {
		return // not worth a race with the deadline
	}
	answers := fz.exchange(t, sends, nil)
	require.NotContains(t, answers, "HTTP/1.1 500 ")
	received := map[string][]string{}
	for name, a := range fz.apis {
		received[name] = a.take()
	}
	reader, rest := bufio.NewReader(strings.NewReader(answers)), sends
	for {
		asked, after, ok := strict(rest, requestLine, false, false)
		if !ok {
			break
		}
		rest = after
		e := expect(asked)
		came := received[e.api]
		sent := e.sent && (!e.either || len(came) > 0 && strings.Contains(came[0], " "+e.target+" "))
		if sent {
			require.NotEmpty(t, came, "%q was not sent: %q", asked.line, answers)
			assertRequest(t, e.api, came[0], asked, e.target)
			received[e.api] = came[1:]
		}
		assertAnswer(t, reader, asked, e, sent)
		if !e.sent || e.either {
			break // the connection may end here, or not
		}
		if slices.ContainsFunc(asked.elements("connection"), func(s string) bool { return strings.EqualFold(s, "close") }) {
			rest = hangUp
			break
		}
	}
	left := 0
	for name, came := range received {
		left += len(came)
		for _, raw := range came {
			assertHarmless(t, name, raw, sends)
		}
	}
	require.LessOrEqual(t, left, len(regexp.MustCompile(`(?m)^\r*(GET|POST) /proxy/`).FindAllString(rest, -1)), "more requests than the caller made")
}
