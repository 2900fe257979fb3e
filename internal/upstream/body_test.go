package upstream

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzParseUsual: where the short way reads a time, the long way reads the same.
func FuzzParseUsual(f *testing.F) {
	for _, text := range []string{
		`{"time":160}`, " {\t\"time\" :\r\n160 } ", `{"time":0}`, `{"time":007}`, `{"time":-1}`, `{"time":1}}`, `{"time":}`, `{"time":1 2}`,
		`{"time":999999999999999999}`, `{"time":9999999999999999999}`, `{"time":1,"x":2}`, `{"time":1e2}`, `["time":1}`, `{"Time":1}`, "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		short, ok := parseUsual(text)
		if !ok {
			return
		}
		var object map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &object))
		long, err := strconv.ParseInt(string(object["time"]), 10, 64)
		require.NoError(t, err)
		assert.Equal(t, long, short)
		assert.Len(t, object, 1)
	})
}

func BenchmarkParseTime(b *testing.B) {
	for name, text := range map[string]string{"usual": `{"time": 160}`, "other": `{"time": 160, "x": 1}`} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parseTime([]byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
