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
	r := &recorder{from: from}
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = r.line(); err != nil {
			return "", err
		}
	}
	if n := length.FindStringSubmatch(r.String()); n != nil {
		size, err := strconv.ParseInt(n[1], 10, 64)
		if err != nil {
			return "", err
		}
		_, err = io.CopyN(r, from, size)
		return r.String(), err
	}
	if !strings.Contains(strings.ToLower(r.String()), "\r\ntransfer-encoding: chunked\r\n") {
		return r.String(), nil
	}
	err := r.chunks()
	return r.String(), err
}

// recorder keeps what it reads.
type recorder struct {
	strings.Builder

	from *bufio.Reader
}

func (r *recorder) line() (string, error) {
	line, err := r.from.ReadString('\n')
	_, _ = r.WriteString(line)
	return line, err
}

// chunks reads a body's chunks, and its trailers.
func (r *recorder) chunks() error {
	for last := false; ; {
		line, err := r.line()
		switch {
		case err != nil:
			return err
		case last && line == "\r\n":
			return nil
		case last:
			continue
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil {
			return err
		}
		if last = n == 0; last {
			continue
		}
		if _, err := io.CopyN(r, r.from, n+int64(len("\r\n"))); err != nil {
			return err
		}
	}
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
