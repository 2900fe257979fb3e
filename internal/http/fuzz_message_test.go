package http_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// message is a request or an answer as its bytes say: the first line, the fields in their order, the body.
type message struct {
	line   string
	fields []field
	body   string
}

// field is a line of a message's head. Its name is in lower case, its value without the space around it.
type field struct{ name, value string }

// all returns the values of a name, in their order.
func (m message) all(name string) []string {
	var values []string
	for _, f := range m.fields {
		if f.name == name {
			values = append(values, f.value)
		}
	}
	return values
}

// elements are the members of the list that the fields of a name are together: RFC 9110, section 5.6.1.
func (m message) elements(name string) []string {
	var elements []string
	for element := range strings.SplitSeq(strings.Join(m.all(name), ","), ",") {
		if element = strings.Trim(element, " \t"); element != "" {
			elements = append(elements, element)
		}
	}
	return elements
}

var (
	requestLine = regexp.MustCompile(`^[!#$%&'*+.^_` + "`" + `|~0-9A-Za-z-]+ [^\x00-\x20\x7f]+ HTTP/1\.1$`)
	statusLine  = regexp.MustCompile(`^HTTP/1\.1 [1-9][0-9][0-9] [^\x00-\x08\x0a-\x1f\x7f]*$`)
	fieldLine   = regexp.MustCompile(`^([!#$%&'*+.^_` + "`" + `|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)$`)
	digits      = regexp.MustCompile(`^[0-9]{1,6}$`)
	chunkSize   = regexp.MustCompile(`^[0-9A-Fa-f]{1,4}$`)
)

// strict reads a message from the beginning of bytes, by the letter of RFC 9112. It is false when a reader may take them in more than one
// way, or the message does not come to its end. silent says that it has no body, whatever its fields say. closes says that a body
// without a length goes on to the end of the bytes.
func strict(text string, line *regexp.Regexp, silent, closes bool) (m message, rest string, ok bool) {
	head, rest, found := strings.Cut(text, "\r\n\r\n")
	if !found {
		return message{}, "", false
	}
	m, ok = strictHead(head, line)
	codings, lengths := m.all("transfer-encoding"), m.all("content-length")
	switch {
	case !ok, len(codings)+len(lengths) > 1,
		len(codings) == 1 && !strings.EqualFold(codings[0], "chunked"), len(lengths) == 1 && !digits.MatchString(lengths[0]):
		return m, "", false
	case silent:
	case len(codings) == 1:
		m.body, rest, ok = strictChunks(rest)
		return m, rest, ok
	case len(lengths) == 1:
		n, _ := strconv.Atoi(lengths[0])
		if n > len(rest) {
			return m, "", false
		}
		m.body, rest = rest[:n], rest[n:]
	case closes:
		m.body, rest = rest, ""
	}
	return m, rest, true
}

func strictHead(head string, line *regexp.Regexp) (message, bool) {
	lines := strings.Split(head, "\r\n")
	m := message{line: lines[0]}
	for _, l := range lines[1:] {
		parts := fieldLine.FindStringSubmatch(l)
		if parts == nil {
			return m, false
		}
		m.fields = append(m.fields, field{strings.ToLower(parts[1]), strings.Trim(parts[2], " \t")})
	}
	return m, line.MatchString(lines[0])
}

// strictChunks reads a body in chunks without extensions and trailers.
func strictChunks(text string) (body, rest string, ok bool) {
	for {
		size, after, found := strings.Cut(text, "\r\n")
		n, err := strconv.ParseInt(size, 16, 32)
		if !found || !chunkSize.MatchString(size) || err != nil || len(after) < int(n)+2 || after[n:n+2] != "\r\n" {
			return "", "", false
		}
		body, text = body+after[:n], after[n+2:]
		if n == 0 {
			return body, text, true
		}
	}
}

// connectionFields belong to one connection: RFC 9110, section 7.6.1, and those of older proxies.
var connectionFields = []string{
	"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection", "proxy-authenticate",
	"proxy-authentication-info", "http2-settings",
}

// ofConnection tells whether a field belongs to the message's connection, by its nature or because the message says so.
func (m message) ofConnection(name string) bool {
	return slices.Contains(connectionFields, name) ||
		slices.ContainsFunc(m.elements("connection"), func(named string) bool { return strings.EqualFold(named, name) })
}

// pathMeansOneThing tells whether a path has only what the design allows, and nothing that another reader could take for a step up.
func pathMeansOneThing(path string) bool {
	const hex = "0123456789abcdefABCDEF"
	decoded := ""
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '%':
			if i+2 >= len(path) || !strings.Contains(hex, path[i+1:i+2]) || !strings.Contains(hex, path[i+2:i+3]) {
				return false
			}
			n, _ := strconv.ParseUint(path[i+1:i+3], 16, 8)
			decoded += string([]byte{byte(n)})
			i += 2
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("-._~!$&'()*+,;=:@/[]|", c) >= 0:
			decoded += string([]byte{c})
		default:
			return false
		}
	}
	return !strings.ContainsFunc(decoded, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) && !dotSegment.MatchString(decoded)
}

var dotSegment = regexp.MustCompile(`(^|/)\.\.?(;|/|$)`)

// queryIsVisible tells whether a query may go on: visible ASCII without "#".
func queryIsVisible(query string) bool {
	for i := range len(query) {
		if query[i] <= ' ' || query[i] > '~' || query[i] == '#' {
			return false
		}
	}
	return true
}
