package transport

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// head is an answer's status line and header.
type head struct {
	status int
	proto  string
	minor  int // of HTTP/1
	header http.Header
}

// read reads a head as net/http does, but leaves the header as it came.
func (h *head) read(from *bufio.Reader) error {
	reader := textproto.NewReader(from)
	line, err := reader.ReadLine()
	if err != nil {
		return err
	}
	if err := h.readStatus(line); err != nil {
		return err
	}
	header, err := reader.ReadMIMEHeader()
	h.header = http.Header(header)
	closeUp(h.header)
	return err
}

// readStatus reads a status line.
func (h *head) readStatus(line string) (err error) {
	proto, rest, _ := strings.Cut(line, " ")
	major, minor, ok := http.ParseHTTPVersion(proto)
	if !ok || major != 1 {
		return fmt.Errorf("malformed HTTP version %q", proto)
	}
	h.proto, h.minor = proto, minor
	code, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if h.status, err = strconv.Atoi(code); err != nil || len(code) != 3 || h.status < 100 {
		return fmt.Errorf("malformed HTTP status %q", code)
	}
	return nil
}

// closeUp takes the space away that stands between a name and its colon: RFC 9112, section 5.1.
func closeUp(header http.Header) {
	for name, values := range header {
		if strings.HasSuffix(name, " ") {
			delete(header, name)
			name = http.CanonicalHeaderKey(strings.TrimRight(name, " "))
			header[name] = append(header[name], values...)
		}
	}
}

// framing is where an answer's body ends: RFC 9112, section 6.3.
type framing struct {
	length  int64 // -1: unknown
	chunked bool
	close   bool // the connection is not for another answer
}

var (
	errCoding = errors.New("a transfer coding that is not known")
	errLength = errors.New("a bad Content-Length, or several that differ")
)

// framing reads what the header says of the body, for an answer to a request of that method.
func (h *head) framing(method string) (framing, error) {
	length, err := h.length()
	if err != nil {
		return framing{}, err
	}
	f := framing{length: length, close: h.minor == 0 || httpguts.HeaderValuesContainsToken(h.header["Connection"], "close")}
	codings := h.header["Transfer-Encoding"]
	switch {
	case h.hasNoBody(method):
		f.close = f.close || h.status == http.StatusNoContent && (length > 0 || len(codings) > 0) // a body may follow, against the rule
		f.length = 0
	case len(codings) > 0:
		if len(codings) > 1 || !strings.EqualFold(codings[0], "chunked") || h.minor == 0 {
			return framing{}, errCoding
		}
		f.close = f.close || length >= 0 // whoever wrote both lengths may mean either
		f.length, f.chunked = -1, true
		delete(h.header, "Content-Length")
	case length < 0:
		f.close = true
	}
	return f, nil
}

// hasNoBody tells whether an answer to a request of that method ends with its head, whatever that says.
func (h *head) hasNoBody(method string) bool {
	return method == http.MethodHead || h.status < 200 || h.status == http.StatusNoContent || h.status == http.StatusNotModified
}

// length is the Content-Length, -1 without one. A repeated one is made one.
func (h *head) length() (int64, error) {
	lengths := h.header["Content-Length"]
	if len(lengths) == 0 {
		return -1, nil
	}
	first := lengths[0]
	if slices.ContainsFunc(lengths, func(other string) bool { return other != first }) {
		return 0, errLength
	}
	n, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return 0, errLength
	}
	if len(lengths) > 1 { // a map of eight fields would grow even for one that it has
		h.header["Content-Length"] = lengths[:1]
	}
	return int64(n), nil
}
