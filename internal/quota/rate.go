// Package quota bounds how many requests an API gets over time.
package quota

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is how many requests may be sent in a time. The zero value is none: nothing bounds them.
type Rate struct {
	Requests int           // 1 to a million
	Per      time.Duration // a second, a minute or an hour
}

// maxRequests is the most requests in whatever time.
const maxRequests = 1_000_000

// units are those of the time.
var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}

// ParseRate parses a rate such as 100/s, or off. The error says what is wrong with the text and what is expected.
func ParseRate(text string) (Rate, error) {
	if text == "off" {
		return Rate{}, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	per, ok := units[unit]
	requests, err := strconv.ParseUint(number, 10, 31)
	switch {
	case !ok || err != nil:
		return Rate{}, errors.New("is not a quota: expected requests per second, minute or hour, such as 100/s, 600/m or 30/h, or off")
	case requests < 1 || requests > maxRequests:
		return Rate{}, fmt.Errorf("is not between 1 and %d requests", maxRequests)
	}
	return Rate{Requests: int(requests), Per: per}, nil
}

// String is the rate as the file has it.
func (r Rate) String() string {
	for unit, per := range units {
		if per == r.Per {
			return strconv.Itoa(r.Requests) + "/" + unit
		}
	}
	return "off"
}

// PerSecond is how many requests may be sent in a second.
func (r Rate) PerSecond() float64 { return float64(r.Requests) / r.Per.Seconds() }

// Burst is how many requests may be sent at once: one second's worth, in whole requests, and at least 1.
func (r Rate) Burst() int { return max(1, int(time.Duration(r.Requests)*time.Second/r.Per)) }

// Reserve is what the attempts beyond a call's first leave for first attempts: they are sent while at least so many requests may be sent
// at once. It is a tenth of Burst, and at least 1: the request itself.
func (r Rate) Reserve() float64 { return max(1, float64(r.Burst())/10) }
