package exchanges

import (
	"fmt"
	"slices"
	"strings"
)

// fields are exchanges with fields that are odd, or that somebody on the way might want to mend. Those of one message stand in one string,
// each on a line of its own.
func fields() []exchange {
	return slices.Concat(ofRequests(fieldsOfBoth), ofAnswers(fieldsOfBoth), ofRequests(fieldsOfRequests), ofAnswers(fieldsOfAnswers))
}

// fieldsOfBoth are tried in requests and in answers.
var fieldsOfBoth = []string{
	"X-A:",
	"X-A: ",
	"X-A: 1",
	"X-A:1",
	"X-A: \t 1 \t ",
	"X-A: 1  2\t3",
	"X-A: a, b,c,, ,d",
	"X-A: \"a, b\"; c=\"d\\\"e\"",
	"X-A: (a (nested) comment)",
	"X-A: 1\nX-A: 2\nX-A: 1",
	"X-A: 2\nX-B: 1\nx-a: 1\nX-A:",
	"x-lower: 1",
	"X-UPPER: 1",
	"x_underline: 1",
	"X.!#$%&'*+-^`|~9: 1",
	"1: 1",
	"X-A: caf\xe9 \xe2\x82\xac \x80\xff",
	"X-A: =?utf-8?q?x?=",
	"X-A: <script>&amp;\\'`",
	"X-A: " + strings.Repeat("long ", 2000),
	"X-" + strings.Repeat("long-", 200) + "x: 1",
	many(100),
	"Date: Tue, 15 Nov 1994 08:12:31 GMT",
	"Content-Language: de, en",
	"Content-Location: /y",
	"Link: </a>; rel=x, </b>; rel=y",
	"Link: </a>\nLink: </b>",
	"Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nTracestate: a=1,b=2",
	"Cache-Control: no-cache\nPragma: no-cache",
	"Connection: X-Hop, close\nX-Hop: 1\nX-Stays: 1",
	"Connection: X-Hop, close\nX-Hop: 1\nX-Stays: 1",
	"Connection: X-Hop, keep-alive\nX-Hop: 1\nX-Stays: 1",
	"Connection: x-hop\nConnection: X-Other\nX-HOP: 1\nx-other: 2\nX-Stays: 1",
	"Keep-Alive: timeout=5",
	"Connection: keep-alive\nKeep-Alive: timeout=5, max=9",
	"Proxy-Connection: keep-alive",
	"Upgrade: h2c, foo/2",
	"TE: trailers",
	"Via: 1.0 fred",
	"Via: 1.0 fred (a comment)\nVia: HTTP/2 other.example:80, 1.1 third",
	"X-Request-Id: abc-1",
	"X-Content-Type-Options: other",
	"Hedgerow-Other: 1",
	"Warning: 199 x \"y\"",
	"X-Forwarded: 1",
	"Alt-Svc: clear",
	"Priority: u=1, i",
}

// fieldsOfRequests are tried in requests.
var fieldsOfRequests = []string{
	"Accept: */*;q=0.5, a/b",
	"Accept: a/b\nAccept: c/d",
	"Accept:",
	"Accept-Encoding: gzip",
	"Accept-Encoding: gzip, br",
	"Accept-Encoding: br",
	"Accept-Encoding: identity",
	"Accept-Encoding: gzip;q=0",
	"Accept-Encoding: br;q=1, gzip;q=0.5",
	"Accept-Encoding: *",
	"Accept-Encoding: br\nAccept-Encoding: gzip",
	"Accept-Charset: x",
	"Accept-Language: de-AT, de;q=0.9",
	"Authorization: Bearer abc.def=",
	"Authorization: Basic eDp5\nCookie: a=b; c=d",
	"Cookie: a=1\nCookie: b=2",
	"Proxy-Authorization: Basic eDp5",
	"User-Agent:",
	"User-Agent:",
	"User-Agent: Mozilla/5.0 (X; Y)",
	"Forwarded: for=1.2.3.4",
	"X-Forwarded-For: 1.2.3.4\nX-Forwarded-Host: x\nX-Forwarded-Proto: y",
	"X-Real-Ip: 1.2.3.4",
	"Origin: http://elsewhere.example\nReferer: http://elsewhere.example/x",
	"Access-Control-Request-Method: PUT",
	"Idempotency-Key: \"a b\"",
	"From: x@y",
	"Max-Forwards: 0",
	"DNT: 1",
	"Sec-Fetch-Mode: cors",
	"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
	"Content-MD5: x",
	"Hedgerow-Timeout: 15000",
	"X-Method-Override: DELETE",
	"X-Original-Url: /z",
	"Prefer: wait=5",
}

// fieldsOfAnswers are tried in answers.
var fieldsOfAnswers = []string{
	"Set-Cookie: a=b; Path=/; HttpOnly",
	"Set-Cookie: a=b\nSet-Cookie: c=d",
	"Server: nginx",
	"Allow: GET, HEAD",
	"Retry-After: 5",
	"WWW-Authenticate: Basic realm=\"x, y\", Bearer",
	"Proxy-Authenticate: Basic",
	"Proxy-Authentication-Info: x",
	"Access-Control-Allow-Origin: *\nAccess-Control-Expose-Headers: X-A",
	"Content-Security-Policy: default-src 'none'",
	"Content-Disposition: attachment; filename=\"x\"; filename*=UTF-8''%e2%82%ac",
	"Server-Timing: db;dur=53, app;dur=47.2",
	"Server-Timing: a\nServer-Timing: b",
	"Age: 5",
	"Expires: 0",
	"Etag: W/\"a b\"",
	"Last-Modified: Tue, 15 Nov 1994 12:45:26 GMT",
	"Location: ../relative#part",
	"Location: //elsewhere.example",
	"Refresh: 5; url=/",
	"Vary: *",
	"Strict-Transport-Security: max-age=1",
	"Trailer: X-T",
	"Hedgerow-Requests: 99",
	"Content-Type:",
	"X-A: " + strings.Repeat("long", 6000),
	many(200),
}

// many are so many fields, half of them of one name.
func many(count int) string {
	var lines []string
	for i := range count / 2 {
		lines = append(lines, fmt.Sprintf("X-A: %d", i), fmt.Sprintf("X-%d: %d", i, i))
	}
	return strings.Join(lines, "\n")
}

func ofRequests(lines []string) []exchange {
	var all []exchange
	for i, line := range lines {
		name := fmt.Sprintf("of a request: %.40q, number %d", line, i)
		all = append(all, exchange{name: name, method: "GET", target: "/x", fields: strings.Split(line, "\n"), answer: sized("x")})
	}
	return all
}

func ofAnswers(lines []string) []exchange {
	var all []exchange
	for i, line := range lines {
		name := fmt.Sprintf("of an answer: %.40q, number %d", line, i)
		all = append(all, exchange{name: name, method: "GET", target: "/x", answerFields: strings.Split(line, "\n"), answer: sized("x")})
	}
	return all
}
