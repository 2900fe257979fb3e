package upstream

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

const fuzzedLimit = 256

// FuzzReadTime: a body is a success exactly when it is one JSON object, within the limit after decompression, whose last member
// `time` is an integer of 64 bits. Every other body is a failure with one of the known reasons.
func FuzzReadTime(f *testing.F) {
	for _, text := range []string{
		"", "null", "[]", "{}", `{"time":1}`, `{"time":-1}`, `{"time":"1"}`, `{"time":1.5}`, `{"time":1e400}`, `{"Time":5}`, `{"time":1}{"time":2}`,
		`{"time":1`, `{"time":null,"time":3}`, `{"time":3,"time":null}`, `{"tim\u0065":4}`, `{"time":9223372036854775808}`, "\ufeff" + `{"time":1}`,
		`{"time":-0}`, `{"time":1,}`, `{"x":{"time":1}}`, "{\"time\":1,\"\xff\":2}",
		strings.Repeat("[", 200), strings.Repeat(" ", 246) + `{"time":1}`, strings.Repeat(" ", 247) + `{"time":1}`,
	} {
		f.Add([]byte(text), false)
		f.Add(gzipped(text), true)
		f.Add(gzipped(text)[:8], true)
		f.Add(append(gzipped(text), gzipped(text)...), true)
	}
	f.Add(gzipped(strings.Repeat(" ", 1<<12)), true)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, body []byte, compressed bool) {
		want, ok := expectedTime(body, compressed)
		for _, length := range []int64{-1, int64(len(body))} { // chunked, and with a length
			header := http.Header{}
			if compressed {
				header.Set("Content-Encoding", "gzip")
			}
			value, err := readTime(&message{header, length, bytes.NewReader(body)}, fuzzedLimit)
			if ok {
				require.NoError(t, err)
				assert.Equal(t, want, value)
				continue
			}
			var failure *fanout.Failure
			require.ErrorAs(t, err, &failure)
			assert.Contains(t, []fanout.Kind{kindTooLarge, kindInvalidBody, kindCorrupt, kindIncomplete}, failure.Reason.Kind)
			assert.Zero(t, value)
		}
	})
}

// expectedTime reads a body by a decoder of tokens.
func expectedTime(body []byte, compressed bool) (time int64, ok bool) {
	if compressed {
		reader, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return 0, false
		}
		if body, err = io.ReadAll(reader); err != nil {
			return 0, false
		}
	}
	if len(body) > fuzzedLimit || !json.Valid(body) {
		return 0, false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if start, _ := decoder.Token(); start != json.Delim('{') {
		return 0, false
	}
	for decoder.More() {
		name, _ := decoder.Token()
		var member json.RawMessage
		if decoder.Decode(&member) != nil {
			return 0, false
		}
		if name == "time" {
			ok = json.Unmarshal(member, &time) == nil && string(member) != "null"
		}
	}
	if !ok {
		return 0, false
	}
	return time, true
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}
