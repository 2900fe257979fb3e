package upstream

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"hedgerow/internal/fanout"
)

// readTime reads a whole body of at most limit bytes, after decompression, and returns its integer member `time`.
func readTime(response *http.Response, limit int64) (int64, error) {
	var body io.Reader = response.Body
	if strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return 0, bodyFailure(err)
		}
		body = unzipped
	}
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if int64(len(text)) > limit {
		return 0, &fanout.Failure{Reason: reasonTooLarge}
	}
	if err != nil {
		return 0, bodyFailure(err)
	}
	value, err := parseTime(text)
	if err != nil {
		return 0, &fanout.Failure{Reason: reasonInvalidBody, Err: err}
	}
	return value, nil
}

// parseTime returns the member `time` of text, which must be one JSON object. Member names are compared exactly, unlike a
// struct's. The integer is in JSON's plain notation (no fraction, no exponent) and fits 64 bits. When the member is repeated the
// last one counts, as in most JSON readers.
func parseTime(text []byte) (int64, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return 0, err
	}
	value, ok := object["time"]
	if !ok {
		return 0, errors.New("no member time")
	}
	return strconv.ParseInt(string(value), 10, 64)
}
