package exchanges

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/test/e2e/rawhttp"
)

// What the design says is dropped or added on the way, by names in lower case. Nothing else may differ.
var (
	// Fields of one connection, both ways, beside those that Connection names.
	ofConnection = []string{
		"connection", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authentication-info", "proxy-connection", "te", "trailer",
		"transfer-encoding", "upgrade",
	}

	// Fields of a request that never go on. Those that begin with hedgerow- are our controls.
	neverGo = regexp.MustCompile(`^(forwarded|x-forwarded-.*|hedgerow-.*|expect)$`)
	// Fields of a request that go on only when they are listed by name.
	byName = []string{"authorization", "cookie", "proxy-authorization", "user-agent"}
	// Fields of a request that always go on; others when they are listed, or "*" is.
	usual = []string{
		"accept", "accept-language", "content-type", "content-language", "if-match", "if-none-match", "if-modified-since",
		"if-unmodified-since", "if-range", "range", "idempotency-key", "traceparent", "tracestate",
	}
	// Fields of a request that are made on the way.
	madeForAPI = []string{"accept-encoding", "content-length", "host", "via"}

	// Fields of an answer that are ours in place of the API's.
	oursForCaller = []string{"x-request-id", "hedgerow-requests", "x-content-type-options"}
)

// message is a request or an answer in the parts that are compared. Fields stand in the order of their names; those of one name are in
// their own order.
type message struct {
	line   string
	fields []string
	body   string
}

// wantRequest is what an API receives of a request that came to it directly.
func wantRequest(t *testing.T, a api, direct rawhttp.Message) message {
	fields := slices.DeleteFunc(ofOneConnection(direct), func(field string) bool {
		name := rawhttp.NameOf(field)
		switch {
		case neverGo.MatchString(name), slices.Contains(madeForAPI, name):
			return true
		case slices.Contains(usual, name), slices.Contains(a.passes, name):
			return false
		}
		return !slices.Contains(a.passes, "*") || slices.Contains(byName, name)
	})
	fields = append(fields, normalAll(direct, "host")...)
	if acceptsGzip.MatchString(strings.Join(normalAll(direct, "accept-encoding"), ",")) {
		fields = append(fields, "accept-encoding: gzip")
	}
	return message{direct.Line, sorted(fields), bodyOf(t, direct)}
}

// acceptsGzip knows the fields of the exchanges here.
var acceptsGzip = regexp.MustCompile(`\bgzip(,|$|;q=0?\.[1-9])|\*$`)

// ownRequest is what an API received, less what is added. It checks what is added.
func ownRequest(t *testing.T, direct, received rawhttp.Message) message {
	t.Helper()
	body := bodyOf(t, received)
	length := normalAll(received, "content-length")
	assert.Empty(t, normalAll(received, "transfer-encoding"))
	if body != "" || len(length) > 0 {
		assert.Equal(t, []string{fmt.Sprintf("content-length: %d", len(body))}, length, "one true Content-Length")
	}
	assert.Regexp(t, viaBehind(direct), normalAll(received, "via"))
	names := []string{"via", "content-length"}
	if len(normalAll(received, "user-agent")) == 1 && strings.HasPrefix(normalAll(received, "user-agent")[0], "user-agent: hedgerow/") {
		names = append(names, "user-agent") // ours, where the caller's does not go on
	}
	return message{received.Line, less(received, names...), body}
}

// wantAnswer is what a caller gets of an answer that an API gave directly.
func wantAnswer(t *testing.T, a api, e exchange, direct rawhttp.Message) message {
	fields := slices.DeleteFunc(ofOneConnection(direct), func(field string) bool {
		name := rawhttp.NameOf(field)
		return slices.Contains(oursForCaller, name) || name == "via" || name == "content-length" || name == "set-cookie" && !a.keeps
	})
	body := bodyOf(t, direct)
	switch {
	case e.method == "HEAD", direct.Status() == "304": // it is the length of what was not sent
		fields = append(fields, normalAll(direct, "content-length")...)
	case direct.Status() != "204":
		fields = append(fields, fmt.Sprintf("content-length: %d", len(body)))
	}
	return message{direct.Status(), sorted(fields), body}
}

// own is what a caller got, less what is added. It checks what is added.
func own(t *testing.T, direct, got rawhttp.Message) message {
	t.Helper()
	assert.True(t, strings.HasPrefix(got.Line, "HTTP/1.1 "), got.Line)
	assert.Regexp(t, viaBehind(direct), normalAll(got, "via"))
	assert.Equal(t, []string{"x-content-type-options: nosniff"}, normalAll(got, "x-content-type-options"))
	assert.Len(t, normalAll(got, "x-request-id"), 1)
	assert.Len(t, normalAll(got, "hedgerow-requests"), 1)
	fields := less(got, append([]string{"via", "connection"}, oursForCaller...)...)
	fields = lessLast(t, fields, regexp.MustCompile(`^server-timing: .*desc="(won|failed)`))
	fields = lessLast(t, fields, regexp.MustCompile(`^content-security-policy: sandbox$`))
	if len(normalAll(direct, "date")) == 0 { // RFC 9110, section 6.6.1
		fields = lessLast(t, fields, regexp.MustCompile(`^date: ... ?, .* GMT$`))
	}
	return message{got.Status(), fields, got.Body}
}

// viaBehind is the field Via of a message that came with that of another one. A process is appended.
func viaBehind(direct rawhttp.Message) *regexp.Regexp {
	before := ""
	for _, field := range normalAll(direct, "via") {
		before += regexp.QuoteMeta(strings.TrimPrefix(field, "via: ")) + ", "
	}
	return regexp.MustCompile(`^\[via: ` + before + `1\.[01] hedgerow-\w+\]$`)
}

// ofOneConnection are a message's fields less those of its connection.
func ofOneConnection(m rawhttp.Message) []string {
	names := slices.Clone(ofConnection)
	for _, field := range normalAll(m, "connection") {
		for name := range strings.SplitSeq(strings.TrimPrefix(field, "connection: "), ",") {
			names = append(names, strings.ToLower(strings.TrimSpace(name)))
		}
	}
	return less(m, names...)
}

func less(m rawhttp.Message, names ...string) []string {
	return slices.DeleteFunc(normal(m), func(field string) bool { return slices.Contains(names, rawhttp.NameOf(field)) })
}

// lessLast is fields less the last one of the pattern, which has to be there.
func lessLast(t *testing.T, fields []string, pattern *regexp.Regexp) []string {
	t.Helper()
	for i, field := range slices.Backward(fields) {
		if pattern.MatchString(field) {
			return slices.Delete(fields, i, i+1)
		}
	}
	assert.Fail(t, "a field is missing", "%s among %q", pattern, fields)
	return fields
}

func normalAll(m rawhttp.Message, name string) []string {
	return slices.DeleteFunc(normal(m), func(field string) bool { return rawhttp.NameOf(field) != name })
}

func sorted(fields []string) []string {
	slices.SortStableFunc(fields, func(a, b string) int { return strings.Compare(rawhttp.NameOf(a), rawhttp.NameOf(b)) })
	return fields
}
