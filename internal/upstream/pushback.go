package upstream

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// pushback is the time that an answer of status 429 or 503 asks for before the next request, 0 when it does not.
func pushback(status int, header http.Header) time.Duration {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return retryAfter(header.Get("Retry-After"), answered(header))
	}
	return 0
}

// answered is when the answer was made, by the API's clock if the answer says so: its other dates are by that clock too, which may be
// wrong.
func answered(header http.Header) time.Time {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		return date
	}
	return time.Now()
}

// retryAfter is the time after now that a header Retry-After names in one of its two forms, seconds or a date. It is 0 when the header
// is missing or invalid, or the date is not after now.
func retryAfter(header string, now time.Time) time.Duration {
	seconds, err := strconv.ParseUint(header, 10, 32)
	if err == nil || errors.Is(err, strconv.ErrRange) { // out of range: the largest number that fits, 136 years
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return max(0, date.Sub(now))
}
