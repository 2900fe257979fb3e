package file

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"hedgerow/internal/forward"
)

// Forward says which headers of the caller's request go on.
type Forward struct {
	Headers []string // beside the default ones, canonical; "*" stands for all but credentials and User-Agent
}

// Goes says whether a header of the caller goes on, by its canonical name. Beside this, what the caller's Connection names does not.
func (f Forward) Goes(name string) bool { return forward.NewRequests(f.Headers).Passes(name) }

func forwardedHeader(text string) (string, error) {
	if text == "*" {
		return text, nil
	}
	name, err := headerName(text)
	if err == nil && forward.Never(name) {
		return "", errors.New("never goes on: expected the name of an end-to-end header of the caller")
	}
	return name, err
}

func answerHeader(text string) (string, error) {
	name, err := headerName(text)
	if err == nil && (forward.OfConnection(name) || name == "Content-Length") {
		return "", errors.New("belongs to the connection: expected the name of an end-to-end header of the answer")
	}
	return name, err
}

func headerName(text string) (string, error) {
	if !isToken(text) {
		return "", errors.New("is not the name of a header: expected one like X-Api-Key")
	}
	return http.CanonicalHeaderKey(text), nil
}

func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		letterOrDigit := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letterOrDigit && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return text != ""
}

func method(text string) (string, error) {
	switch upper := strings.ToUpper(text); {
	case upper == http.MethodTrace || upper == http.MethodConnect:
		return "", errors.New("is never passed on: expected a method like GET or POST")
	case !isToken(text):
		return "", errors.New("is not a method: expected one like GET or POST")
	case upper != text:
		return "", errors.New("is not upper case: expected a method like GET or POST")
	}
	return text, nil
}

// setHeaders reads the headers that go with every request. What it complains of does not show their values.
func setHeaders(d *decoder, n node, into *draft) {
	if !d.is(n, mapping, `a map, such as {Authorization: "Bearer ${TOKEN}"}`) {
		return
	}
	headers := []Header{}
	for _, e := range n.entries {
		name, err := headerName(e.key)
		switch {
		case err != nil:
			d.addf(e.at, "set: %s %v", quote(e.key), err)
		case forward.Ours(name):
			d.addf(e.at, "set: %s is written by Hedgerow itself: expected the name of another header", quote(e.key))
		case slices.ContainsFunc(headers, func(h Header) bool { return h.Name == name }):
			d.addf(e.at, "set: %s is here a second time: expected it once, in whatever case", quote(e.key))
		case d.is(e.value, scalar, "the value of a header") && d.isHeaderValue(e.value):
			headers = append(headers, Header{name, e.value.text})
		}
	}
	into.Set = headers
}

func (d *decoder) isHeaderValue(n node) bool {
	text := n.text.Value()
	problem := ""
	switch {
	case strings.TrimSpace(text) != text:
		problem = "begins or ends with a space or a line break"
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
		problem = "has a control character in it"
	case !isASCII(text):
		problem = "has a character in it that is not ASCII"
	}
	if problem != "" {
		d.problem(n, problem+": expected the value of a header")
	}
	return problem == ""
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c > 0x7f })
}
