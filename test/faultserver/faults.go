package faultserver

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Kind says how an attempt at a faulty upstream ends.
type Kind string

const (
	// FailsAtOnce is a fault that the client knows as soon as it has read the few bytes of the answer.
	FailsAtOnce Kind = "fails at once"
	// Flood is a fault that the client knows when it has read, or unpacked, as much as it may.
	Flood Kind = "flood"
	// Silence is a fault that has no end: the deadline ends the attempt. None ends within four seconds.
	Silence Kind = "silence"
)

// MaxBody is the largest body that the table takes for a success: the default of HEDGEROW_MAX_BODY.
const MaxBody = 1 << 20

// Fault is one way in which an upstream API fails every request.
type Fault struct {
	Name      string
	Kind      Kind
	Behaviour Behaviour
	// Reason is why an attempt fails, in the words of an answer to the caller. It is empty for a silence.
	Reason string
}

// Beginnings of answers.
const (
	Head    = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	Chunked = Head + "Transfer-Encoding: chunked\r\n\r\n"
	zipped  = "Content-Encoding: gzip"
)

// Faults returns the faults of these kinds, or of every kind when none is given.
func Faults(kinds ...Kind) []Fault {
	if len(kinds) == 0 {
		kinds = []Kind{FailsAtOnce, Flood, Silence}
	}
	var found []Fault
	for _, kind := range kinds {
		for _, f := range table[kind]() {
			f.Kind = kind
			found = append(found, f)
		}
	}
	return found
}

var table = map[Kind]func() []Fault{FailsAtOnce: failures, Flood: sync.OnceValue(floods), Silence: silences}

func failures() []Fault {
	return append(append(badStatuses(), badBodies()...), badMessages()...)
}

// badStatuses are answers that fail by their status, with whatever body.
func badStatuses() []Fault {
	status := func(n int, headers ...string) Fault {
		return Fault{Name: fmt.Sprint(n), Behaviour: Status(n, `{"time":1}`, headers...), Reason: fmt.Sprintf("status %d", n)}
	}
	return []Fault{
		{Name: "101", Behaviour: Raw("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false), Reason: "status 101"},
		status(201),
		{Name: "204", Behaviour: Raw("HTTP/1.1 204 No Content\r\n\r\n", true), Reason: "status 204"},
		status(206),
		{Name: "302", Behaviour: Status(302, "", "Location: /elsewhere"), Reason: "status 302"},
		status(404),
		{Name: "407", Behaviour: Raw("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", true), Reason: "status 407"},
		status(429, "Retry-After: 0"),
		{Name: "429 without Retry-After", Behaviour: Status(429, `{"time":1}`), Reason: "status 429"},
		status(500),
		{Name: "500 whose body hangs", Behaviour: Hang("HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{"), Reason: "status 500"},
		{Name: "500 whose body does not begin", Behaviour: Hang("HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\n"), Reason: "status 500"},
	}
}

// badBodies are complete answers with status 200 whose body is not an object with an integer member time.
func badBodies() []Fault {
	body := func(name, text string) Fault { return Fault{Name: name, Behaviour: JSON(text), Reason: "invalid body"} }
	return []Fault{
		body("HTML", `<html>{"time":1}</html>`),
		{
			Name: "HTML that says so", Reason: "invalid body",
			Behaviour: Raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>{\"time\":1}</html>", false),
		},
		body("empty", ``),
		body("null", `null`),
		body("number", `1`),
		body("empty array", `[]`),
		body("array of an object", `[{"time":1}]`),
		body("no time", `{}`),
		body("time is a string", `{"time":"1"}`),
		body("time is null", `{"time":null}`),
		body("time is an object", `{"time":{}}`),
		body("time has a fraction", `{"time":1.5}`),
		body("time has an exponent", `{"time":1e400}`),
		body("time is over 64 bits", `{"time":9223372036854775808}`),
		body("Time is not time", `{"Time":5}`),
		body("two values", `{"time":1}{"time":2}`),
		body("trailing data", `{"time":1} x`),
		body("cut JSON", `{"time":1`),
	}
}

// badMessages are answers that break off, or are not what their headers say, or not HTTP.
func badMessages() []Fault {
	corrupt := []byte(Gzip(Padded(1000)))
	corrupt[len(corrupt)-6] ^= 0xff // in the checksum
	return []Fault{
		{Name: "corrupt gzip", Behaviour: Status(200, string(corrupt), zipped), Reason: "corrupt body"},
		{Name: "gzip that is none", Behaviour: Status(200, `{"time":1}`, zipped), Reason: "corrupt body"},
		{Name: "body shorter than it says", Behaviour: Raw(Head+"Content-Length: 11\r\n\r\n{\"time\":1}", false), Reason: "incomplete body"},
		{Name: "bad chunk", Behaviour: Raw(Chunked+"zz\r\n{\"time\":1}", false), Reason: "incomplete body"},
		{Name: "last chunk missing", Behaviour: Raw(Chunked+"a\r\n{\"time\":1}\r\n", false), Reason: "incomplete body"},
		{Name: "garbage status line", Behaviour: Raw("It works!\r\n\r\n", false), Reason: "invalid response"},
		{Name: "connection reset", Behaviour: Reset(""), Reason: "connection reset"},
		{Name: "reset in the body", Behaviour: Reset(Head + "Content-Length: 11\r\n\r\n{\"time\":1}"), Reason: "connection reset"},
		{Name: "connection closed", Behaviour: Close(), Reason: "connection closed"},
	}
}

func floods() []Fault {
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 32<<10, strings.Repeat(" ", 32<<10))
	return []Fault{
		{Name: "200,000 brackets", Behaviour: JSON(strings.Repeat("[", 200_000)), Reason: "invalid body"},
		{Name: "one byte too large", Behaviour: JSON(Padded(MaxBody + 1)), Reason: "body too large"},
		{Name: "endless body", Behaviour: Endless(Chunked, chunk), Reason: "body too large"},
		{Name: "gzip bomb", Behaviour: Status(200, Gzip(Padded(64*MaxBody)), zipped), Reason: "body too large"},
		{Name: "endless headers", Behaviour: Endless("HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1000)+"\r\n"), Reason: "invalid response"},
	}
}

func silences() []Fault {
	return []Fault{
		{Name: "accepts and stays silent", Behaviour: Hang("")},
		{Name: "stops in the headers", Behaviour: Hang(Head + "Content-Len")},
		{Name: "stops in the body", Behaviour: Hang(Head + "Content-Length: 10\r\n\r\n{\"ti")},
		{Name: "stops in a compressed body", Behaviour: Hang(Head + zipped + "\r\nContent-Length: 99\r\n\r\n\x1f\x8b")},
		{Name: "sends an interim answer only", Behaviour: Hang("HTTP/1.1 103 Early Hints\r\n\r\n")},
		{Name: "trickles the headers", Behaviour: Trickle(Head+"X: "+strings.Repeat("x", 99)+"\r\nContent-Length: 10\r\n\r\n", 50*time.Millisecond)},
		{Name: "trickles the body", Behaviour: Trickle(Head+"Content-Length: 300\r\n\r\n"+Padded(300), 20*time.Millisecond)},
		{Name: "trickles white space", Behaviour: Trickle(Head+"Content-Length: 1999\r\n\r\n"+strings.Repeat(" ", 1900), 5*time.Millisecond)},
		{Name: "trickles chunks", Behaviour: Trickle(Chunked+strings.Repeat("1\r\n \r\n", 199), 5*time.Millisecond)},
	}
}

// Gzip returns plain, compressed.
func Gzip(plain string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(plain)) // a buffer takes everything
	_ = w.Close()
	return b.String()
}

// Padded is a body of that size whose time is 7: all is well with it but, maybe, the size.
func Padded(size int) string {
	const frame = `{"time":7,"x":""}`
	return `{"time":7,"x":"` + strings.Repeat("x", size-len(frame)) + `"}`
}
