package forward

import (
	"errors"
	"net/url"
	"strings"
)

// Prefix is what every target begins with.
const Prefix = "/proxy/"

// Target is what a caller asks of an API.
type Target struct {
	// API is the name of the API, as it came.
	API string
	// Path is what follows the name, as it came: empty, or beginning with a slash.
	Path string
	// Query is the query with its question mark, as it came, or empty.
	Query string
}

// Errors of ParseTarget.
var (
	// ErrNoAPI says that the target names no API.
	ErrNoAPI = errors.New("the path names no API")
	// ErrForm says that the target is not a path.
	ErrForm = errors.New("the request target has to be a path, without scheme and host")
	// ErrPath says that the path has a character or an encoding that it must not have.
	ErrPath = errors.New("the path has a character that is not allowed there, or a broken percent-encoding")
	// ErrSegment says that the path could be read as another one.
	ErrSegment = errors.New("the path has a dot segment, a backslash or a control character, plain or encoded")
	// ErrQuery says that the query has a character that it must not have.
	ErrQuery = errors.New("the query has a character that is not allowed there")
)

// ParseTarget reads a request target, the one of the request line as it came. Its errors are those above, unwrapped.
func ParseTarget(requestTarget string) (Target, error) {
	if !strings.HasPrefix(requestTarget, "/") {
		return Target{}, ErrForm
	}
	path, query := requestTarget, ""
	if i := strings.IndexByte(requestTarget, '?'); i >= 0 {
		path, query = requestTarget[:i], requestTarget[i:]
	}
	rest, ok := strings.CutPrefix(path, Prefix)
	if !ok {
		return Target{}, ErrNoAPI
	}
	t := Target{API: rest, Query: query}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		t.API, t.Path = rest[:i], rest[i:]
	}
	if t.API == "" {
		return Target{}, ErrNoAPI
	}
	for segment := range strings.SplitSeq(t.Path, "/") {
		if err := checkSegment(segment); err != nil {
			return Target{}, err
		}
	}
	for _, char := range []byte(query) {
		if char <= ' ' || char >= 0x7f || char == '#' {
			return Target{}, ErrQuery
		}
	}
	return t, nil
}

// Behind returns the path and query that an API is asked for whose URL has this escaped path: one slash stands between the two.
func (t Target) Behind(base string) string {
	if t.Path == "" {
		if base == "" {
			base = "/"
		}
		return base + t.Query
	}
	return strings.TrimSuffix(base, "/") + t.Path + t.Query
}

// checkSegment refuses what another reader of the path might take for more than one segment, or for a step up.
func checkSegment(segment string) error {
	decoded, err := url.PathUnescape(segment)
	if err != nil || !allowed(segment) {
		return ErrPath
	}
	for _, char := range []byte(decoded) {
		if char < ' ' || char == 0x7f || char == '\\' {
			return ErrSegment
		}
	}
	for part := range strings.SplitSeq(decoded, "/") { // an encoded slash is one to many readers
		name, _, _ := strings.Cut(part, ";")
		if name == "." || name == ".." {
			return ErrSegment
		}
	}
	return nil
}

// others are the characters beside letters and digits that a segment may have: those of RFC 3986, section 3.3, and three that
// browsers send as they are. A backslash is refused by another error.
const others = "%-._~!$&'()*+,;=:@" + "[]|" + `\`

func allowed(text string) bool {
	for _, char := range []byte(text) {
		letter := char|0x20 >= 'a' && char|0x20 <= 'z'
		if !letter && (char < '0' || char > '9') && strings.IndexByte(others, char) < 0 {
			return false
		}
	}
	return true
}
