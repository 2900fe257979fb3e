package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/config"
)

// FuzzParse: whatever the arguments, Parse answers with settings within their ranges, or with readable lines. An argument is a
// line of the text.
func FuzzParse(f *testing.F) {
	for _, value := range []string{
		"", "0", "-1", "3", "101", "1e3", "0x10", "+5", "1_000", "9223372036854775808", "NaN", "-Inf", "1MiB", "2147483647GiB", "2147483648", "-1KiB",
		"300ms", "p95", "p99.9", "10%", "off", "1.5ms", "-1ms", "2562047h47m16.854s", "100000000h", ":5000", "5000", "[::1]:0", ":65536", ":-1", "a:b:c", "http://h", "ftp://h",
		"http://u:p@h:99999/", "http://h/%zz", "http://h/#f", "HTTP://h/a b", "http://h?a b", "http://h/\u00fc?\u00fc", "http://[::1", "http://\x7f/", "true", "maybe", "loud", "text", "a\x00b", "\xff",
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
		"--help", "--exponea-url=http://h\n--h2c", "--h2c\nfalse", "--no-debug", "testserver\n--min=2s\n--max=1s", "--debug=\n--addr=", "--addr=:1\n--addr=:1", "upstream", "--upstream-min", "--upstream-min\n1ms\n--testserver-min=2ms", "--version", "\x02",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		command, _, err := config.Parse(strings.Split(text, "\n"), nil)
		if err != nil {
			assertReadable(t, err.Error())
			return
		}
		switch c := command.(type) {
		case *config.Serve:
			assertServeInRange(t, *c)
		case *config.TestServer:
			assertTestingServerInRange(t, c.TestingServer)
		default:
			assert.NotNil(t, command)
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
	if s.ExponeaURL != nil {
		assert.Contains(t, []string{"http", "https"}, s.ExponeaURL.Scheme)
		assert.NotEmpty(t, s.ExponeaURL.Hostname())
		assert.Regexp(t, `^[!-~]+$`, s.ExponeaURL.RequestURI(), "what goes into the request line")
	}
	assert.True(t, !s.H2C || s.ExponeaURL != nil && s.ExponeaURL.Scheme == "http")
	assert.True(t, s.Producers >= 1 && s.Producers <= 100, s.Producers)
	assert.GreaterOrEqual(t, s.HedgeDelay.Delay, time.Duration(0))
	assert.True(t, s.HedgeMax == 0 || s.HedgeMin <= s.HedgeMax)
	assert.True(t, s.HedgeBudget >= 0 && s.HedgeBudget <= 1)
	assert.GreaterOrEqual(t, s.MaxTimeout, time.Millisecond)
	assert.LessOrEqual(t, s.MaxTimeout, 24*time.Hour)
	assert.Zero(t, s.MaxTimeout%time.Millisecond)
	assert.GreaterOrEqual(t, s.LoserGrace, time.Duration(0))
	assert.GreaterOrEqual(t, s.MaxInFlight, s.Producers)
	assert.GreaterOrEqual(t, s.MaxConnections, 1)
	assert.GreaterOrEqual(t, s.MaxBody, config.Size(1))
	assert.GreaterOrEqual(t, s.ShutdownDelay, time.Duration(0))
	assert.True(t, s.LogSample >= 0 && s.LogSample <= 1, s.LogSample)
	assert.Positive(t, s.ShutdownTimeoutOrDefault(s.MaxTimeout))
	assert.Contains(t, []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}, s.LogLevel)
	assert.Contains(t, []config.LogFormat{"", config.JSON, config.Text}, s.LogFormat)
	assertTestingServerInRange(t, s.TestingServer)
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
