package forward_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/forward"
)

func TestAPathAndAQueryGoOnAsTheyCame(t *testing.T) {
	for came, want := range map[string]string{
		"/proxy/a":                                 "/v1",
		"/proxy/a/":                                "/v1/",
		"/proxy/a?":                                "/v1?",
		"/proxy/a/x":                               "/v1/x",
		"/proxy/a//b":                              "/v1//b",
		"/proxy/a/%2F":                             "/v1/%2F",
		"/proxy/a/x%2fy/":                          "/v1/x%2fy/",
		"/proxy/a/%252e%252e/x":                    "/v1/%252e%252e/x",
		"/proxy/a/..x/x../...":                     "/v1/..x/x../...",
		"/proxy/a/;a=1/b;c":                        "/v1/;a=1/b;c",
		"/proxy/a/[x|y]":                           "/v1/[x|y]",
		"/proxy/a/~!$&'()*+,;=:@-._":               "/v1/~!$&'()*+,;=:@-._",
		"/proxy/a/azAZ09%20%5d%80?$!~":             "/v1/azAZ09%20%5d%80?$!~",
		"/proxy/a/%C3%A9%ff":                       "/v1/%C3%A9%ff",
		"/proxy/a/http://evil/":                    "/v1/http://evil/",
		"/proxy/a/x?a=1;b=2":                       "/v1/x?a=1;b=2",
		"/proxy/a/x?a=%zz&..=/../\\":               "/v1/x?a=%zz&..=/../\\",
		"/proxy/a/x?f[a]={x|y}^`\"<>":              "/v1/x?f[a]={x|y}^`\"<>",
		"/proxy/a?b?/c":                            "/v1?b?/c",
		"/proxy/a/x?" + strings.Repeat("p&", 7500): "/v1/x?" + strings.Repeat("p&", 7500),
	} {
		got, err := forward.ParseTarget(came)
		require.NoError(t, err, came)
		assert.Equal(t, "a", got.API, came)
		assert.Equal(t, want, got.Behind("/v1"), came)
	}
}

func TestOneSlashStandsBetweenTheURLAndThePath(t *testing.T) {
	for _, row := range []struct{ base, came, want string }{
		{"", "/proxy/a", "/"},
		{"", "/proxy/a?q", "/?q"},
		{"", "/proxy/a/", "/"},
		{"", "/proxy/a/x", "/x"},
		{"/", "/proxy/a", "/"},
		{"/", "/proxy/a/x", "/x"},
		{"/v1", "/proxy/a", "/v1"},
		{"/v1/", "/proxy/a", "/v1/"},
		{"/v1/", "/proxy/a/x", "/v1/x"},
		{"/v1/", "/proxy/a//x", "/v1//x"},
		{"/a%2Fb", "/proxy/a/x", "/a%2Fb/x"},
	} {
		got, err := forward.ParseTarget(row.came)
		require.NoError(t, err, row.came)
		assert.Equal(t, row.want, got.Behind(row.base), "%s behind %s", row.came, row.base)
	}
}

func TestAPathThatCouldBeReadAsAnotherIsRefused(t *testing.T) {
	for came, want := range map[string]error{
		"/proxy":                forward.ErrNoAPI,
		"/proxy/":               forward.ErrNoAPI,
		"/proxy//x":             forward.ErrNoAPI,
		"/proxy/?x":             forward.ErrNoAPI,
		"//evil/proxy/a/x":      forward.ErrNoAPI,
		"/x/../proxy/a":         forward.ErrNoAPI,
		"http://evil/proxy/a/x": forward.ErrForm,
		"*":                     forward.ErrForm,
		"":                      forward.ErrForm,
		"/proxy/a/../b":         forward.ErrSegment,
		"/proxy/a/..":           forward.ErrSegment,
		"/proxy/a/.":            forward.ErrSegment,
		"/proxy/a/./b":          forward.ErrSegment,
		"/proxy/a/%2e%2e":       forward.ErrSegment,
		"/proxy/a/.%2e/b":       forward.ErrSegment,
		"/proxy/a/%2E%2E%2f":    forward.ErrSegment,
		"/proxy/a/..;":          forward.ErrSegment,
		"/proxy/a/..;x=1/b":     forward.ErrSegment,
		"/proxy/a/..%3bx":       forward.ErrSegment,
		"/proxy/a/a%2f..%2fb":   forward.ErrSegment,
		"/proxy/a/a%2f%2e":      forward.ErrSegment,
		"/proxy/a/a\\b":         forward.ErrSegment,
		"/proxy/a/%5c..":        forward.ErrSegment,
		"/proxy/a/%00":          forward.ErrSegment,
		"/proxy/a/%0d%0aX:y":    forward.ErrSegment,
		"/proxy/a/%7f":          forward.ErrSegment,
		"/proxy/a/x%zz":         forward.ErrPath,
		"/proxy/a/x%2":          forward.ErrPath,
		"/proxy/a/x%":           forward.ErrPath,
		"/proxy/a/\xc3\xa9":     forward.ErrPath,
		"/proxy/a/a b":          forward.ErrPath,
		"/proxy/a/a#b":          forward.ErrPath,
		"/proxy/a/{x}":          forward.ErrPath,
		"/proxy/a/<":            forward.ErrPath,
		"/proxy/a/^":            forward.ErrPath,
		"/proxy/a/x?a#b":        forward.ErrQuery,
		"/proxy/a/x?\xff":       forward.ErrQuery,
		"/proxy/a/x?\x80":       forward.ErrQuery,
		"/proxy/a/x?\x7f":       forward.ErrQuery,
		"/proxy/a/x?a b":        forward.ErrQuery,
		"/proxy/a/x?a\x00":      forward.ErrQuery,
	} {
		_, err := forward.ParseTarget(came)
		assert.Equal(t, want, err, came)
	}
}

// A path that is accepted means the same to a reader that decodes and cleans it as it does to one that does neither.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"/proxy/a/x", "/proxy/a/%2e%2e", "/proxy/a/..;/x?y", "/proxy/a//b%2F..%2f", "//evil", "/proxy/a/\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, came string) {
		got, err := forward.ParseTarget(came)
		if err != nil {
			return
		}
		assert.Equal(t, came, forward.Prefix+got.API+got.Path+got.Query, "nothing is lost or added")
		assert.NotContains(t, got.API, "/")
		asked := got.Behind("/base")
		assert.True(t, strings.HasPrefix(asked, "/base"))
		path, _, _ := strings.Cut(asked, "?")
		decoded, err := url.PathUnescape(path)
		require.NoError(t, err)
		for _, reading := range []string{path, decoded} {
			for segment := range strings.SplitSeq(reading, "/") {
				segment, _, _ = strings.Cut(segment, ";")
				assert.NotContains(t, []string{".", ".."}, segment)
			}
			assert.NotContains(t, reading, `\`)
		}
	})
}
