package contract

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	plain   = "application/json; charset=utf-8"
	problem = "application/problem+json"
	members = `"type":"about:blank","detail":"no","error":"no","request_id":"r"`
	attempt = `{"outcome":"failed","duration_ms":1.5,"reason":"status 500"}`
	gateway = `{` + members + `,"title":"Bad Gateway","status":502,"attempts":[`
	refusal = `{` + members + `,"title":"Service Unavailable","status":503}`
	missing = `{` + members + `,"title":"Not Found","status":404}`
)

// violation is that of an answer with the headers that every answer of a call has and the given ones (name, value).
func violation(method, target string, status int, mediaType, body string, headers ...string) error {
	header := http.Header{"Content-Type": {mediaType}, "X-Request-Id": {"r"}, "Server-Timing": {`attempt1;desc="won";dur=1.5`}}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	return Violation(httptest.NewRequest(method, target, nil), &http.Response{StatusCode: status, Header: header}, []byte(body))
}

func TestAnAnswerAsDocumentedIsNoViolation(t *testing.T) {
	for _, err := range []error{
		violation("GET", "/api/first?timeout=1", 200, plain, `{"time":1}`),
		violation("GET", "/api/all?timeout=1", 200, plain, `[{"time":1},{"time":2}]`),
		violation("GET", "/api/within-timeout?timeout=1", 200, plain, `[]`),
		violation("GET", "/livez", 200, plain, `{"status":"ok"}`),
		violation("GET", "/api/smart?timeout=1", 502, problem, gateway+attempt+`]}`),
		violation("GET", "/api/smart?timeout=1", 503, problem, refusal, "Retry-After", "1"),
		violation("GET", "/nothing", 404, problem, missing),
	} {
		require.NoError(t, err)
	}
}

func TestABrokenAnswerIsAViolation(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"an unknown status":            {violation("GET", "/api/first", 418, plain, `{"time":1}`), "status is not supported"},
		"a status of other endpoints":  {violation("GET", "/api/within-timeout", 502, problem, gateway+attempt+`]}`), "status is not supported"},
		"a success as plain text":      {violation("GET", "/api/first", 200, "text/plain", `{"time":1}`), "Content-Type"},
		"a success as a problem":       {violation("GET", "/api/first", 200, problem, `{"time":1}`), "Content-Type"},
		"an error as plain JSON":       {violation("GET", "/api/smart", 502, plain, gateway+attempt+`]}`), "Content-Type"},
		"a member of another type":     {violation("GET", "/api/first", 200, plain, `{"time":"1"}`), "value must be an integer"},
		"a fraction":                   {violation("GET", "/api/first", 200, plain, `{"time":1.5}`), "value must be an integer"},
		"a missing member":             {violation("GET", "/api/first", 200, plain, `{}`), `property "time" is missing`},
		"an extra member":              {violation("GET", "/api/first", 200, plain, `{"time":1,"x":1}`), `property "x" is unsupported`},
		"an extra member in an array":  {violation("GET", "/api/all", 200, plain, `[{"time":1,"x":1}]`), `property "x" is unsupported`},
		"an extra member of a problem": {violation("GET", "/api/smart", 503, problem, refusal[:1]+`"x":1,`+refusal[1:], "Retry-After", "1"), `property "x" is unsupported`},
		"an extra member of attempts":  {violation("GET", "/api/smart", 502, problem, gateway+`{"x":1,`+attempt[1:]+`]}`), `property "x" is unsupported`},
		"an object for an array":       {violation("GET", "/api/all", 200, plain, `{"time":1}`), "value must be an array"},
		"null":                         {violation("GET", "/api/first", 200, plain, `null`), "not nullable"},
		"no body":                      {violation("GET", "/api/first", 200, plain, ``), "failed to decode"},
		"half a body":                  {violation("GET", "/api/first", 200, plain, `{"time":1`), "failed to decode"},
		"something after the body":     {violation("GET", "/api/first", 200, plain, `{"time":1}{}`), "something comes after"},
		"no attempts":                  {violation("GET", "/api/smart", 502, problem, `{`+members+`,"title":"Bad Gateway","status":502}`), `"attempts" is missing`},
		"an unknown outcome":           {violation("GET", "/api/smart", 502, problem, gateway+`{"outcome":"lost","duration_ms":1}]}`), "allowed values"},
		"another status in the body":   {violation("GET", "/nothing", 404, problem, `{`+members+`,"title":"Not Found","status":400}`), "the member status is 400"},
		"another text in error":        {violation("GET", "/nothing", 404, problem, strings.Replace(missing, "no", "yes", 1)), "the member error is no instead of yes"},
		"another id in the body":       {violation("GET", "/nothing", 404, problem, missing, "X-Request-Id", "q"), "the member request_id is r instead of q"},
		"a missing header":             {violation("GET", "/api/smart", 503, problem, refusal), `"Retry-After" missing`},
		"a header of another type":     {violation("GET", "/api/smart", 503, problem, refusal, "Retry-After", "soon"), `"Retry-After"`},
		"a header for other origins":   {violation("GET", "/livez", 200, plain, `{"status":"ok"}`, "Access-Control-Allow-Origin", "*"), "Access-Control-Allow-Origin"},
		"an undocumented path":         {violation("GET", "/api/last", 200, plain, `{"time":1}`), "status is not supported"},
		"an undocumented method":       {violation("POST", "/api/first", 200, plain, `{"time":1}`), "status is not supported"},
		"a 404 that is plain text":     {violation("GET", "/nothing", 404, "text/plain", `404 page not found`), "Content-Type"},
	} {
		t.Run(name, func(t *testing.T) { assert.ErrorContains(t, test.err, test.want) })
	}
}

// failures is a test that counts instead of failing.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.n++ }

func TestCheckFailsTheTestOfABrokenAnswer(t *testing.T) {
	request := httptest.NewRequest(http.MethodGet, "/livez", nil)
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {plain}}}
	f := &failures{TB: t}
	Check(f, request, response, []byte(`{"status":"ok"}`))
	assert.Zero(t, f.n)
	Check(f, request, response, []byte(`{"status":1}`))
	assert.Equal(t, 1, f.n)
}
