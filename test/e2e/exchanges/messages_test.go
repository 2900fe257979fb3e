package exchanges

import (
	"fmt"
	"net/http"
	"strings"
)

// registered are the methods that IANA lists, less TRACE, CONNECT, and PRI, which no request may have.
var registered = strings.Fields(`ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR
	MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH UNBIND UNCHECKOUT
	UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL`)

// idempotent are those of RFC 9110, section 9.2.2. Requests with them may be sent more than once.
const idempotent = " GET HEAD OPTIONS PUT DELETE "

// methods are exchanges with each method, without a body and with one.
func methods() []exchange {
	var all []exchange
	for _, method := range registered {
		answer := sized("an answer to " + method)
		if method == http.MethodHead {
			answer.wire = ""
		}
		all = append(all, exchange{name: method, method: method, target: "/x", answer: answer},
			exchange{name: method + " with a body", method: method, target: "/x", content: sized("a body\x00of " + method), answer: answer})
	}
	return all
}

// statuses are exchanges with each status that has a name, and with some that have none, asked for by GET and HEAD. There are three
// kinds of them: those that fail an attempt are passed on too when no better one comes.
func statuses() []exchange {
	var all []exchange
	for code := 200; code < 600; code++ {
		phrase := http.StatusText(code)
		if code == 299 || code == 399 || code == 499 || code == 599 || code == 418 {
			phrase = "Unregistered"
		}
		if phrase == "" {
			continue
		}
		e := exchange{
			name: fmt.Sprintf("%d by GET", code), method: "GET", target: "/x", status: fmt.Sprintf("HTTP/1.1 %d %s", code, phrase),
			answerFields: []string{"Content-Type: text/plain", "Etag: \"x\"", "Location: http://elsewhere.example/x"}, answer: sized("because"),
		}
		switch code {
		case http.StatusNoContent:
			e.answer = content{}
		case http.StatusResetContent:
			e.answer = sized("")
		case http.StatusNotModified:
			e.answer.wire = ""
		}
		head := e
		head.name, head.method = fmt.Sprintf("%d by HEAD", code), "HEAD"
		head.answer.wire = ""
		all = append(all, e, head)
	}
	all = append(all,
		exchange{name: "no phrase", method: "GET", target: "/x", status: "HTTP/1.1 200 ", answer: sized("x")},
		exchange{name: "a phrase of one's own", method: "GET", target: "/x", status: "HTTP/1.1 404 It's gone (really)", answer: sized("x")},
		exchange{name: "HTTP/1.0", method: "GET", target: "/x", status: "HTTP/1.0 200 OK", answer: untilClosed("x")})
	return all
}

// interim are exchanges with answers before the answer, which are not passed on.
func interim() []exchange {
	hints := "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
	var all []exchange
	for name, text := range map[string]string{
		"100":             "HTTP/1.1 100 Continue\r\n\r\n",
		"102":             "HTTP/1.1 102 Processing\r\n\r\n",
		"103":             hints,
		"three of 103":    hints + hints + hints,
		"of all kinds":    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + hints,
		"one without use": "HTTP/1.1 199 Whatever\r\nX-A: 1\r\n\r\n",
	} {
		all = append(all,
			exchange{name: name, method: "GET", target: "/x", interim: text, answerFields: []string{"X-B: 1"}, answer: sized("x")},
			exchange{name: name + " and a failure", method: "GET", target: "/x", interim: text, status: "HTTP/1.1 503 No", answer: sized("no")})
	}
	return append(all, exchange{name: "a body that waits to be asked for", method: "POST", target: "/x", fields: []string{"Expect: 100-continue"},
		content: sized("abc"), interim: "HTTP/1.1 100 Continue\r\n\r\n", answer: sized("x")})
}

// targets are exchanges with paths and queries that somebody on the way might want to mend.
func targets() []exchange {
	var all []exchange
	for _, target := range []string{
		"", "/", "//", "//x", "///x//y//", "/x/", "/%2F", "/x%2fy", "/%252e%252e/x", "/...", "/..x", "/x..", "/x.", "/.x", "/~", "/;", "/x;a=1;b", "/x,y", "/!$&'()*+,;=:@-._~",
		"/[1]|x", "/%41", "/%7e", "/%E2%82%AC", "/%ff", "/%20", "/a+b", "/@elsewhere.example/", "/:80/x", "/http://elsewhere.example/", "/x=y&z", "/*",
		"?", "??", "/x?", "/x?a", "/x?a=", "/x?=", "/x?&&", "/x?a=1&a=2&b=&a=3", "/x?a=1;b=2", "/x?a=%zz", "/x?a=%", "/x?f[a]={x|y}^`\"<>", "/x?a=/../..", "/x?a=\\",
		"/x?a=b?c=d", "/x?a=+%20%2B", "/x?timeout=5", "/x?a=http://elsewhere.example/", "/x?%00", "/x?a='--", "/x?utf8=%E2%9C%93",
		"/" + strings.Repeat("long/", 1000), "/x?" + strings.Repeat("a=1&", 1500),
	} {
		name := target
		if len(name) > 40 {
			name = fmt.Sprintf("%s and so on, %d bytes", target[:10], len(target))
		}
		all = append(all, exchange{name: "target " + name, method: "GET", target: target, answer: sized("x")})
	}
	return all
}
