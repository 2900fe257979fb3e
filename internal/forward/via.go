package forward

import (
	"net/http"
	"strings"
)

// Via is the pseudonym of a process in the field Via: RFC 9110, section 7.6.3.
type Via string

// Add appends this process to a message's field Via. protocol is the one that the message came by, such as "HTTP/1.1"; values are those
// that it came with.
func (v Via) Add(header http.Header, values []string, protocol string) {
	via := strings.TrimPrefix(protocol, "HTTP/") + " " + string(v)
	if len(values) > 0 {
		via = strings.Join(values, ", ") + ", " + via
	}
	header["Via"] = []string{via}
}

// Seen tells whether a request has come through this process before: it goes round in a circle.
func (v Via) Seen(header http.Header) bool {
	for _, value := range header["Via"] {
		for element := range strings.SplitSeq(value, ",") {
			if fields := strings.Fields(element); len(fields) > 1 && fields[1] == string(v) {
				return true
			}
		}
	}
	return false
}
