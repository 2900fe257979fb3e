package forward

import (
	"net/http"
	"strings"
)

// Via is what others are told of a process in the field Via: RFC 9110, section 7.6.3.
type Via struct {
	pseudonym string
	alone     []string // the values of a message that came by HTTP/1.1 and names nobody else; nobody writes to them
}

// NewVia returns the field of the process with this pseudonym.
func NewVia(pseudonym string) Via { return Via{pseudonym, []string{"1.1 " + pseudonym}} }

// Add appends this process to a message's field Via. protocol is the one that the message came by, such as "HTTP/1.1"; values are those
// that it came with.
func (v Via) Add(header http.Header, values []string, protocol string) {
	if len(values) == 0 && protocol == "HTTP/1.1" {
		header["Via"] = v.alone
		return
	}
	via := strings.TrimPrefix(protocol, "HTTP/") + " " + v.pseudonym
	if len(values) > 0 {
		via = strings.Join(values, ", ") + ", " + via
	}
	header["Via"] = []string{via}
}

// Seen tells whether a request has come through this process before: it goes round in a circle.
func (v Via) Seen(header http.Header) bool {
	for _, value := range header["Via"] {
		for element := range strings.SplitSeq(value, ",") {
			if fields := strings.Fields(element); len(fields) > 1 && fields[1] == v.pseudonym {
				return true
			}
		}
	}
	return false
}
