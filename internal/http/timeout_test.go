package http

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const fuzzedMaximum = time.Minute

// FuzzParseTimeout compares the parser with the contract said another way: the query is a list of pairs, each of which can be
// unescaped, exactly one is called timeout, and its value is a number of digits from 1 to the maximum.
func FuzzParseTimeout(f *testing.F) {
	for _, query := range []string{
		"", "timeout", "timeout=", "timeout=1", "timeout=60000", "timeout=60001", "timeout=0", "timeout=-1", "timeout=abc", "timeout=1.5",
		"timeout=1e3", "timeout=0x10", "timeout=+5", "timeout=%2B5", "timeout=%00", "timeout=%zz", "timeout=100;x=1", "timeout=1&timeout=1",
		"timeout=100&x=%zz", "timeout=01000", "timeout=%31", "tim%65out=5", "Timeout=5", "timeout=5&timeou%74=6", "timeout=５", "timeout=%EF%BC%95",
		"&&timeout=5&", "=5", "timeout==5", "timeout=5=", "timeout=1_000", "timeout= 5", "timeout=5%20", "timeout=5\n", "%", "timeout=5&%",
		"timeout=9223372036854775808", "timeout=18446744073709552616", "timeout=" + strings.Repeat("9", 400),
		"timeout=" + strings.Repeat("0", 400) + "7", "timeout=100" + strings.Repeat("&x", 10_001),
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		timeout, err := parseTimeout(query, fuzzedMaximum)
		if want, ok := expectedTimeout(query); ok {
			require.NoError(t, err)
			assert.Equal(t, want, timeout)
			return
		}
		var problem *timeoutError
		require.ErrorAs(t, err, &problem)
		assert.Zero(t, timeout)
		assert.Regexp(t, `^query parameter timeout [^\n]*, as decimal digits from 1 to 60000$`, err.Error())
	})
}

var (
	badEscape     = regexp.MustCompile(`%([^0-9a-fA-F]|.[^0-9a-fA-F]|.?$)`)
	timeoutDigits = regexp.MustCompile(`^0*([1-9][0-9]{0,4})$`)
)

// maxParameters is how many net/url is willing to parse.
const maxParameters = 10_000

func expectedTimeout(query string) (time.Duration, bool) {
	pairs := strings.Split(query, "&")
	if strings.Contains(query, ";") || badEscape.MatchString(query) || len(pairs) > maxParameters {
		return 0, false
	}
	var values []string
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if unescaped(name) == "timeout" {
			values = append(values, unescaped(value))
		}
	}
	if len(values) != 1 {
		return 0, false
	}
	digits := timeoutDigits.FindStringSubmatch(values[0])
	if digits == nil {
		return 0, false
	}
	ms, err := strconv.Atoi(digits[1])
	return time.Duration(ms) * time.Millisecond, err == nil && ms <= 60000
}

func unescaped(text string) string {
	result, _ := url.QueryUnescape(text)
	return result
}
