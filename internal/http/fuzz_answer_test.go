package http_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

const secondAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Second: 1\r\n\r\nsecond"

// FuzzProxyAnswer: whatever bytes an API answers with, the caller gets one answer, with all that the API's has for it; and the next
// call gets its own.
func FuzzProxyAnswer(f *testing.F) {
	fz := newFuzzed(f, "defaults: {timeout: 20s, strategy: first, attempts: 1}\napis: {a: {url: \"http://%a%/v1\"}}\n", "a")
	api := fz.apis["a"]
	packed := faultserver.Gzip("packed")
	for _, answer := range []string{
		healthy, "", "HTTP/1.1 200 OK\r\n\r\nto the end", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcsurplus",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + healthy,
		strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 5) + healthy, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n" + healthy,
		"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nConnection: X-Y, close\r\nX-Y: 1\r\nKeep-Alive: timeout=5\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nx",
		"HTTP/1.1 204 No Content\r\n\r\nbody", "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\nContent-Type: a/b\r\nEtag: \"1\"\r\n\r\nbody",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(packed)) + "\r\n\r\n" + packed, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 050 Low\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 +20 X\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n",
		"garbage\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n", "HTTP/1.1 200 OK\r\nX Y: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nX: \xff\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nVia: 1.0 fred\r\nServer-Timing: db\r\nX-Request-Id: theirs\r\nHedgerow-Requests: 99\r\nContent-Security-Policy: default-src 'self'\r\nX-Content-Type-Options: x\r\nDate: x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\nX: a\nContent-Length: 1\n\nx", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", "HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
	} {
		f.Add(false, answer)
		f.Add(true, answer)
	}
	f.Fuzz(func(t *testing.T, head bool, answer string) {
		if len(answer) > longestInput {
			return // longer than what a head may be
		}
		api.mu.Lock()
		api.reply = func(request string) string {
			if strings.Contains(request, "/second HTTP/1.1\r\n") {
				return secondAnswer
			}
			return answer
		}
		api.mu.Unlock()
		method := "GET"
		if head {
			method = "HEAD"
		}
		// An API that sends no more hangs up.
		got := fz.exchange(t, method+" /proxy/a/first HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", api.hangUp)
		assertPassed(t, got, answer, head)
		got = fz.exchange(t, "GET /proxy/a/second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", nil)
		assertPassed(t, got, secondAnswer, false)
		api.take()
	})
}

// finalAnswer reads the answer behind those of the interim. It is false when the bytes are not one complete answer, clear to
// every reader.
func finalAnswer(text string, head bool) (message, bool) {
	for {
		silent := head
		if len(text) > 12 && statusLine.MatchString(text[:13]) {
			silent = silent || text[9] == '1' || slices.Contains([]string{"204", "304"}, text[9:12])
		}
		m, rest, ok := strict(text, statusLine, silent, true)
		if !ok || m.line[9] != '1' {
			return m, ok && m.line[9] < '6'
		}
		if m.line[9:12] == "101" {
			return m, false
		}
		text = rest
	}
}

// assertPassed checks what a caller got of an API's answer.
func assertPassed(t *testing.T, raw, answer string, head bool) {
	t.Helper()
	require.Greater(t, len(raw), 12)
	status := raw[9:12]
	got, rest, ok := strict(raw, statusLine, head || status == "204" || status == "304", false)
	require.True(t, ok, "%q", raw)
	require.Empty(t, rest, "a second answer: %q", raw)
	want, plain := finalAnswer(answer, head)
	if !plain || !unpacks(want) {
		require.NotEqual(t, "500", status)
		require.True(t, status == "502" || strings.Contains(answer, " "+status), "%q made of %q", raw, answer)
		for _, f := range got.fields {
			require.True(t, slices.Contains(answerFields, canonical(f.name)) || strings.Contains(strings.ToLower("\n"+answer), "\n"+f.name+":"), f.name)
		}
		return
	}
	require.Equal(t, want.line[9:12], status, "%q", raw)
	require.Equal(t, want.body, got.body)
	assertFields(t, got, want, status, head)
}

// unpacks tells whether a body is not packed, or can be unpacked.
func unpacks(m message) bool {
	coding := m.all("content-encoding")
	if len(coding) == 0 || m.body == "" || m.line[9:12] == "206" || !slices.Contains([]string{"gzip", "x-gzip"}, strings.ToLower(coding[0])) {
		return true
	}
	reader, err := gzip.NewReader(strings.NewReader(m.body))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, reader) //nolint:gosec // no fuzzer makes a bomb of 8 KiB
	return err == nil
}

// assertFields checks that an answer has every field of the API's that is for the caller, in order, and nothing but its own beside them.
func assertFields(t *testing.T, got, want message, status string, head bool) {
	t.Helper()
	fields, have := map[string][]string{}, map[string][]string{}
	for _, f := range want.fields {
		if f.name != "set-cookie" && !want.ofConnection(f.name) {
			fields[f.name] = append(fields[f.name], f.value)
		}
	}
	for _, f := range got.fields {
		have[f.name] = append(have[f.name], f.value)
	}
	via := message{fields: []field{{"via", strings.Join(fields["via"], ",")}}}
	require.Equal(t, append(via.elements("via"), "1.1 "+pseudonym), got.elements("via"))
	require.Equal(t, append(fields["content-security-policy"], "sandbox"), have["content-security-policy"])
	require.Equal(t, []string{"nosniff"}, have["x-content-type-options"])
	require.Regexp(t, `^[123]$`, strings.Join(have["hedgerow-requests"], ","), "a kept connection may have ended")
	require.Len(t, have["server-timing"], len(fields["server-timing"])+1)
	require.Equal(t, strings.Join(fields["server-timing"], "\n"), strings.Join(have["server-timing"][:len(fields["server-timing"])], "\n"), "the API's own come first")
	require.Len(t, have["x-request-id"], 1)
	if _, ok := fields["date"]; !ok {
		delete(have, "date")
	}
	switch lengths := have["content-length"]; {
	case status == "204":
		require.Empty(t, lengths)
	case !head && status != "304":
		require.Equal(t, []string{strconv.Itoa(len(want.body))}, lengths, "one true length")
	default:
		require.Equal(t, fields["content-length"], lengths, "what a body would have had")
	}
	for _, own := range []string{"via", "content-security-policy", "x-content-type-options", "hedgerow-requests", "server-timing", "x-request-id", "content-length", "connection"} {
		delete(fields, own)
		delete(have, own)
	}
	require.Equal(t, fields, have)
}

// canonical is a field's name as answerFields has it.
func canonical(name string) string {
	words := strings.Split(name, "-")
	for i, word := range words {
		words[i] = string(bytes.ToUpper([]byte(word[:min(1, len(word))]))) + word[min(1, len(word)):]
	}
	return strings.Join(words, "-")
}
