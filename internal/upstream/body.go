package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"hedgerow/internal/fanout"
)

// message is an answer whose header has been read.
type message struct {
	header http.Header
	length int64 // of the body, as the header says; -1 when it says nothing
	body   io.Reader
}

// readTime reads a whole body of at most limit bytes, after decompression, and returns its integer member `time`.
func readTime(m *message, limit int64) (int64, error) {
	text, err := readBody(m, limit)
	if int64(len(text)) > limit {
		return 0, &fanout.Failure{Reason: fanout.Reason{Kind: kindTooLarge}}
	}
	if err != nil {
		return 0, bodyFailure(err)
	}
	value, err := parseTime(text)
	if err != nil {
		return 0, &fanout.Failure{Reason: fanout.Reason{Kind: kindInvalidBody}, Err: err}
	}
	return value, nil
}

// smallBody is the largest body whose memory is taken before it has come. A server that promises much and sends nothing should not
// hold much.
const smallBody = 4 << 10

// readBody reads a whole body, at most one byte over limit.
func readBody(m *message, limit int64) ([]byte, error) {
	if isGzip(m.header) {
		unzipped, err := unzip(m.body)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(io.LimitReader(unzipped, limit+1))
	}
	if length := m.length; length >= 0 && length <= min(smallBody, limit) { // the usual case: exactly as much memory as bytes
		text := make([]byte, length+1) // one more, to see the end
		read, err := io.ReadFull(m.body, text)
		switch {
		case int64(read) > length:
			return nil, errors.New("the body is longer than its length")
		case int64(read) == length && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
			return text[:length], nil
		}
		return nil, err
	}
	return io.ReadAll(io.LimitReader(m.body, limit+1))
}

// parseTime returns the member `time` of text, which must be one JSON object. Member names are compared exactly; encoding/json would
// ignore case for a struct. The integer is in JSON's plain notation (no fraction, no exponent) and fits 64 bits. When the member is
// repeated the last one counts, as in most JSON readers.
func parseTime(text []byte) (int64, error) {
	if value, ok := parseUsual(text); ok {
		return value, nil
	}
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

// parseUsual reads a body whose only member is `time`. It needs no map, which would cost ten times as much (BenchmarkParseTime) for
// each attempt. It is false for any other body.
func parseUsual(text []byte) (int64, bool) {
	for _, token := range []string{"{", `"time"`, ":"} {
		rest, ok := bytes.CutPrefix(bytes.TrimLeft(text, jsonSpace), []byte(token))
		if !ok {
			return 0, false
		}
		text = rest
	}
	digits, ok := bytes.CutSuffix(bytes.TrimRight(text, jsonSpace), []byte("}"))
	digits = bytes.Trim(digits, jsonSpace)
	if !ok || len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	value := int64(0)
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		value = 10*value + int64(d-'0')
	}
	return value, true
}

const jsonSpace = " \t\r\n"
