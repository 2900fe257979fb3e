package rule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	firstStatus = 200 // interim answers never end an attempt
	lastStatus  = 599
)

// StatusSet is a set of the statuses that an answer can have, 0 to 1023. Two sets are the same when == says so.
type StatusSet struct {
	bits [16]uint64
}

// DefaultStatuses are those that a plain proxy would hand on: a second attempt would not find anything better. A 408, 425, 429
// or 5xx may be gone a moment later, but a 508 is a loop, which comes back.
func DefaultStatuses() StatusSet {
	var s StatusSet
	for status := range len(s.bits) * 64 {
		switch {
		case status == 408, status == 425, status == 429:
		case status/100 == 5 && status != 508:
		default:
			s = s.with(status)
		}
	}
	return s
}

var errStatus = errors.New("is not a status like 404 or a class like 2xx, from 200 to 599")

// With is the set and a status ("404") or a class ("2xx").
func (s StatusSet) With(text string) (StatusSet, error) {
	if len(text) == 3 && text[0] >= '2' && text[0] <= '5' && text[1:] == "xx" {
		first := int(text[0]-'0') * 100
		for status := first; status < first+100; status++ {
			s = s.with(status)
		}
		return s, nil
	}
	status, err := strconv.Atoi(text)
	if err != nil || len(text) != 3 || status < firstStatus || status > lastStatus {
		return s, errStatus
	}
	return s.with(status), nil
}

func (s StatusSet) with(status int) StatusSet {
	s.bits[status/64] |= 1 << (status % 64)
	return s
}

// Has says whether the status is in the set.
func (s StatusSet) Has(status int) bool {
	return status >= 0 && status < len(s.bits)*64 && s.bits[status/64]>>(status%64)&1 == 1
}

// String lists the classes and the statuses, in their order: "2xx, 404".
func (s StatusSet) String() string {
	if s == DefaultStatuses() {
		return "all but 408, 425, 429 and 5xx other than 508"
	}
	var parts []string
	for class := firstStatus; class < lastStatus; class += 100 {
		var single []string
		for status := class; status < class+100; status++ {
			if s.Has(status) {
				single = append(single, strconv.Itoa(status))
			}
		}
		if len(single) == 100 {
			single = []string{fmt.Sprintf("%dxx", class/100)}
		}
		parts = append(parts, single...)
	}
	return strings.Join(parts, ", ")
}
