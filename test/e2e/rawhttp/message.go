package rawhttp

import (
	"bufio"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var length = regexp.MustCompile(`(?i)\r\ncontent-length: *(\d+)\r\n`)

// readRequest returns the bytes of a request. It knows bodies with a length, and those in chunks.
func readRequest(from *bufio.Reader) (string, error) {
	var b strings.Builder
	until := func(end string) error {
		for start := b.Len(); !strings.HasSuffix(b.String()[start:], end); {
			line, err := from.ReadString('\n')
			b.WriteString(line)
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := until("\r\n\r\n"); err != nil {
		return "", err
	}
	if n := length.FindStringSubmatch(b.String()); n != nil {
		size, err := strconv.ParseInt(n[1], 10, 64)
		if err != nil {
			return "", err
		}
		_, err = io.CopyN(&b, from, size)
		return b.String(), err
	}
	if strings.Contains(strings.ToLower(b.String()), "\r\ntransfer-encoding: chunked\r\n") {
		return b.String(), until("0\r\n\r\n")
	}
	return b.String(), nil
}

// Message is an answer or a request in its parts.
type Message struct {
	Line   string   // the first one
	Fields []string // sorted, but for those of one name, which keep their order
	Body   string
}

// Split takes a message into its parts.
func Split(text string) Message {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m := Message{Line: lines[0], Fields: lines[1:], Body: body}
	slices.SortStableFunc(m.Fields, func(a, b string) int { return strings.Compare(NameOf(a), NameOf(b)) })
	return m
}

// NameOf is the name of a field in lower case.
func NameOf(field string) string {
	name, _, _ := strings.Cut(field, ":")
	return strings.ToLower(name)
}

// Status is the three digits of an answer.
func (m Message) Status() string {
	if words := strings.Fields(m.Line); len(words) > 1 {
		return words[1]
	}
	return "no answer: " + m.Line
}

// All returns the fields of a name.
func (m Message) All(name string) []string {
	return m.Without(func(other string) bool { return other != strings.ToLower(name) })
}

// Without returns the fields but those whose names, in lower case, are left out.
func (m Message) Without(left func(name string) bool) []string {
	return slices.DeleteFunc(slices.Clone(m.Fields), func(f string) bool { return left(NameOf(f)) })
}
