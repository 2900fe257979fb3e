package config_test

import (
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config"
)

// FuzzParse: whatever the arguments, Parse answers with settings within their ranges, or with readable lines. An argument is a
// line of the text.
func FuzzParse(f *testing.F) {
	for _, value := range []string{
		"", "0", "-1", "3", "101", "1e3", "0x10", "+5", "1_000", "9223372036854775808", "NaN", "-Inf", "1MiB", "2147483647GiB", "2147483648", "-1KiB",
		"300ms", "1.5ms", "-1ms", "2562047h47m16.854s", "100000000h", ":5000", "5000", "[::1]:0", ":65536", ":-1", "a:b:c", "http://h", "ftp://h",
		"http://u:p@h:99999/", "http://h/%zz", "http://h/#f", "http://[::1", "http://\x7f/", "true", "maybe", "loud", "text", "a\x00b", "\xff",
	} {
		for _, flag := range []string{
			"--exponea-url", "--addr", "--admin-addr", "--producers", "--max-timeout", "--max-body", "--max-in-flight", "--testserver-fail",
			"--testserver-seed", "--log-level", "--log-format", "--h2c", "--debug",
		} {
			f.Add(flag + "=" + value)
		}
	}
	for _, text := range []string{
		"serve", "testserver\n--fail=2", "healthcheck\n--timeout=0s", "version", "sevre", "--prodcers=3", "--producers", "--producers\n-1", "--", "-", "-h",
		"--help", "--exponea-url=http://h\n--h2c", "--h2c\nfalse", "--no-debug", "testserver\n--min=2s\n--max=1s", "--debug=\n--addr=", "\x02",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		command, c, err := config.Parse(strings.Split(text, "\n"), nil, io.Discard)
		switch {
		case err != nil:
			assertReadable(t, err.Error())
		case command == "serve":
			assertServeInRange(t, c.Serve)
		case command == "testserver":
			assertAddr(t, c.TestServer.Addr)
			assertTestingServerInRange(t, c.TestServer.TestingServer)
		default:
			assert.Contains(t, []string{"healthcheck", "version"}, command)
		}
	})
}

// assertReadable: no empty line, and nothing that upsets a terminal.
func assertReadable(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		assert.NotEmpty(t, line)
		assert.NotContains(t, line, "goroutine ")
		for _, char := range line {
			assert.GreaterOrEqual(t, char, ' ', "%q", line)
		}
	}
}

func assertServeInRange(t *testing.T, s config.Serve) {
	t.Helper()
	assertAddr(t, s.Addr)
	if s.AdminAddr != "" {
		assertAddr(t, s.AdminAddr)
	}
	if s.ExponeaURL != "" {
		u, err := url.Parse(s.ExponeaURL)
		require.NoError(t, err)
		assert.Contains(t, []string{"http", "https"}, u.Scheme)
		assert.NotEmpty(t, u.Hostname())
	}
	assert.True(t, !s.H2C || strings.HasPrefix(s.ExponeaURL, "http:"))
	assert.True(t, s.Producers >= 1 && s.Producers <= 100, s.Producers)
	assert.GreaterOrEqual(t, s.HedgeDelay, time.Duration(0))
	assert.GreaterOrEqual(t, s.MaxTimeout, time.Millisecond)
	assert.LessOrEqual(t, s.MaxTimeout, 24*time.Hour)
	assert.Zero(t, s.MaxTimeout%time.Millisecond)
	assert.GreaterOrEqual(t, s.LoserGrace, time.Duration(0))
	assert.GreaterOrEqual(t, s.MaxInFlight, s.Producers)
	assert.GreaterOrEqual(t, s.MaxConnections, 1)
	assert.GreaterOrEqual(t, s.MaxBody, config.Size(1))
	assert.GreaterOrEqual(t, s.ShutdownDelay, time.Duration(0))
	assert.Positive(t, s.ShutdownTimeoutOrDefault())
	assert.Contains(t, []string{"debug", "info", "warn", "error"}, s.LogLevel)
	assert.Contains(t, []string{"", "json", "text"}, s.LogFormat)
	assertTestingServerInRange(t, s.TestingServer)
}

func assertAddr(t *testing.T, addr string) {
	t.Helper()
	_, _, err := net.SplitHostPort(addr)
	assert.NoError(t, err)
}

func assertTestingServerInRange(t *testing.T, s config.TestingServer) {
	t.Helper()
	assert.GreaterOrEqual(t, s.Min, time.Duration(0))
	assert.GreaterOrEqual(t, s.Max, s.Min)
	for _, share := range []float64{s.Fail, s.Reset, s.Garbage, s.Hang} {
		assert.True(t, share >= 0 && share <= 1, share)
	}
	assert.LessOrEqual(t, s.Fail+s.Reset+s.Garbage+s.Hang, 1+1e-9)
}
