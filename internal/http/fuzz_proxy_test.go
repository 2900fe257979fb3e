package http_test

import (
	"strings"
	"testing"
)

// fuzzedNames are the APIs of fuzzedFile. A fuzzer picks one by a number.
var fuzzedNames = []string{"usual", "star", "named"}

func picked(number byte) string { return fuzzedNames[int(number)%len(fuzzedNames)] }

// longestInput keeps the head of a request within what the service reads.
const longestInput = 8 << 10

// FuzzProxyPath: whatever a caller puts behind an API's name, the API is asked for just that behind the file's base path, or for nothing.
func FuzzProxyPath(f *testing.F) {
	fz := newFuzzed(f, fuzzedFile, fuzzedNames...)
	for i, path := range []string{
		"", "/", "/x", "?", "?x", "/a/../b", "/%2e%2e", "/.%2e", "/%2E%2E%2f", "/..;", "/..;x/y", "/a%2f..%2fb", "/.", "/%2e", "/x/.;/y", `/\`, "/%5c..",
		"/%00", "//evil.example/x", "//b", "/a//b", "/%2F", "/%252e", "/%252e%252e", "/x%zz", "/x%", "/x%4", "/\xff", "/caf\xc3\xa9", "/x#y", "/[1]|x", "//x|y",
		"/!$&'()*+,;=:@-._~", "/@evil.example/", "/:80/x", "/{x}", "/<x>", `/"`, "/^", "/`", "/x y", "/x\ty", "/x HTTP/1.1\r\nX: y", "/x HTTP/1.1\r\n\r\nGET /proxy/star/y",
		"/x HTTP/1.1\nHost: y\n\nGET /proxy/star/z", "/%0d%0aX:1", "/%0a", "/x/..%00", "/..%2f", "/...", "/x;..", "/x?/../..", "x", "%2f", "/../usual/x", "/http://evil/",
		"/\x00", "/\x7f", "/%7f", "/%c0%ae%c0%ae/", "/..%5c", "/.%00./", "/%E2%80%A5/",
	} {
		f.Add(byte(i), path)
		f.Add(byte(i+1), path)
	}
	f.Fuzz(func(t *testing.T, number byte, path string) {
		if len(path) > longestInput {
			return // longer than what the service reads
		}
		fz.checkCalls(t, "GET /proxy/"+picked(number)+path+" HTTP/1.1\r\nHost: caller.example\r\n\r\n")
	})
}

// FuzzProxyQuery: whatever a caller asks, the query goes on byte for byte, or nothing does.
func FuzzProxyQuery(f *testing.F) {
	fz := newFuzzed(f, fuzzedFile, fuzzedNames...)
	for i, query := range []string{
		"", "a=1;b=2", "a=%zz", "f[a]={x|y}^", strings.Repeat("a=1&", 1000), "timeout=5", "?", "a=b?c=d", "/../..", `\"<>` + "`", "a=+%20&&=", "a=\xff", "a#b", "a\tb", "\x7f",
		"a b", "a HTTP/1.1\r\nCookie: x", "a HTTP/1.1\r\n\r\nGET /proxy/usual/y?z", "%00", "%0d%0aX:1", "a=%", "=", "&", "a=b&a=b", "a\x00b", "http://evil/", "%2e%2e%2f",
	} {
		f.Add(byte(i), query)
	}
	f.Fuzz(func(t *testing.T, number byte, query string) {
		if len(query) > longestInput {
			return // longer than what the service reads
		}
		fz.checkCalls(t, "GET /proxy/"+picked(number)+"/x?"+query+" HTTP/1.1\r\nHost: caller.example\r\n\r\n")
	})
}

// FuzzProxyHeader: whatever fields and body a caller sends, an API gets those that are named for it, once, and the same body with one
// true length.
func FuzzProxyHeader(f *testing.F) {
	fz := newFuzzed(f, fuzzedFile, fuzzedNames...)
	for i, head := range []string{
		"", "X-A: 1\r\nX-A: 2\r\nx-a:3", "Connection: X-Secret, keep-alive\r\nX-Secret: 1", "TE: trailers", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA",
		"Upgrade: websocket", "Proxy-Authorization: Basic x", "Cookie: a=b", "Authorization: Bearer x", "X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4", "Via: 1.1 " + pseudonym,
		"Via: 1.0 fred (x, y)\r\nVia: HTTP/1.1 p", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Trailer: X-T", "Expect: 100-continue\r\nContent-Length: 3", "Expect: x",
		"Hedgerow-Timeout: 5\r\nHedgerow-Timeout: 5", "Hedgerow-Timeout:", "Hedgerow-Timeout: 1.5", "Hedgerow-Timeout: 0", "Hedgerow-Timeout: 60001", "Hedgerow-Timeout: 20000",
		"Hedgerow-Strategy: nope", "Hedgerow-Strategy: all", "Content-Length: 3", "Content-Length: 3\r\nContent-Length: 3", "Content-Length: 3\r\nContent-Length: 4", "Content-Length: +3",
		"Content-Length: 99999", "Content-Length: 65", "Content-Length: 64", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: gzip, chunked",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding : chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding:\tchunked", "Accept-Encoding: gzip",
		"Accept-Encoding: br, gzip;q=0", "Accept-Encoding: *", "User-Agent: theirs", "X-Request-Id: r", "Host: other", "X: a\r\n b", "X: a\x00b", "X: \xff", "X : a", ": a", "X", "X: a\rb", "X: a\nY: b",
		"Accept: a/b\r\nRange: bytes=0-1\r\nIf-None-Match: \"1\"\r\nIdempotency-Key: k\r\ntraceparent: 00", "Connection: close", "Connection: host, via, content-length, user-agent, accept",
		"Pragma: no-cache", "Pragma: no-cache\r\nCache-Control: max-age=0", "Connection:", "X-A:\r\nx-a: \t ", "Max-Forwards: 0", "Origin: http://evil.example",
	} {
		for j, body := range []string{"", "abc", "3\r\nabc\r\n0\r\n\r\n", "c;x", "3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", "0\r\n\r\nGET /proxy/star/smuggled HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("x", 65)} {
			if j > 1 && !strings.Contains(head, "Transfer") && !strings.Contains(head, "Length") {
				continue
			}
			f.Add(byte(i+j), i%2 == 0 || j > 0, head, body)
		}
	}
	f.Fuzz(func(t *testing.T, number byte, post bool, head, body string) {
		if len(head)+len(body) > longestInput {
			return // longer than what the service reads
		}
		method := "GET"
		if post {
			method = "POST"
		}
		if head != "" {
			head = "\r\n" + head
		}
		fz.checkCalls(t, method+" /proxy/"+picked(number)+"/x HTTP/1.1\r\nHost: caller.example"+head+"\r\n\r\n"+body)
	})
}
