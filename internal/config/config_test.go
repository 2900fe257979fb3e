package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config"
	"hedgerow/internal/hedge"
)

// parse is config.Parse of a command line, of which the type of the command is known.
func parse[T config.Command](t *testing.T, args []string, environ ...string) (T, []string) {
	t.Helper()
	command, warnings, err := config.Parse(args, environ)
	require.NoError(t, err)
	require.IsType(t, *new(T), command)
	return command.(T), warnings
}

func TestDefaults(t *testing.T) {
	c, warnings := parse[*config.Serve](t, nil)
	assert.Equal(t, &config.Serve{
		Addr:      config.Address{Port: 5000, Setting: "--addr (HEDGEROW_ADDR)"},
		AdminAddr: &config.Address{Host: "127.0.0.1", Port: 5001, Setting: "--admin-addr (HEDGEROW_ADMIN_ADDR)"},
		Producers: 3, HedgeDelay: hedge.When{Delay: 300 * time.Millisecond}, MaxTimeout: time.Minute, LoserGrace: 250 * time.Millisecond,
		MaxInFlight: 12288, MaxConnections: 16384, MaxBody: 1 << 20, MaxBuffered: 256 << 20,
		LogSample: 1, Log: config.Log{LogLevel: slog.LevelInfo},
		TestServerAddr: config.Address{Host: "127.0.0.1", Setting: "--testserver-addr (HEDGEROW_TESTSERVER_ADDR)"},
		TestingServer:  config.TestingServer{Min: 100 * time.Millisecond, Max: 600 * time.Millisecond, Fail: 0.1},
	}, c)
	assert.Equal(t, 62*time.Second, c.ShutdownTimeoutOrDefault(c.MaxTimeout))
	assert.Empty(t, warnings)
}

func TestAFlagGoesBeforeItsVariableAndThatBeforeTheDefault(t *testing.T) {
	c, _ := parse[*config.Serve](t, []string{"--producers=5", "--testserver-seed", "7"},
		"HEDGEROW_PRODUCERS=4", "HEDGEROW_MAX_BODY=64KiB", "HEDGEROW_SHUTDOWN_TIMEOUT=1s", "DEBUG=true", "HEDGEROW_TESTSERVER_HANG=0.5")
	assert.Equal(t, 5, c.Producers)
	assert.Equal(t, config.Size(64<<10), c.MaxBody)
	assert.Equal(t, time.Second, c.ShutdownTimeoutOrDefault(c.MaxTimeout))
	assert.True(t, c.Debug)
	assert.Equal(t, slog.LevelDebug, c.Level())
	assert.InDelta(t, 0.5, c.TestingServer.Hang, 0)
	assert.EqualValues(t, 7, c.TestingServer.Seed)
}

func TestAnEmptyVariableStandsForTheDefault(t *testing.T) {
	c, _ := parse[*config.Serve](t, []string{"serve"}, "EXPONEA_URL=", "HEDGEROW_PRODUCERS=", "HEDGEROW_ADDR=", "HEDGEROW_LOG_LEVEL=",
		"HEDGEROW_LOG_FORMAT=", "HEDGEROW_MAX_BODY=", "HEDGEROW_SHUTDOWN_TIMEOUT=", "HEDGEROW_TESTSERVER_FAIL=", "HEDGEROW_TESTSERVER_SEED=",
		"HEDGEROW_H2C=", "DEBUG=", "HEDGEROW_ADMIN_ADDR=")
	assert.Nil(t, c.ExponeaURL)
	assert.Equal(t, 3, c.Producers)
	assert.Equal(t, ":5000", c.Addr.String())
	assert.Equal(t, slog.LevelInfo, c.Level())
	assert.Equal(t, config.Size(1<<20), c.MaxBody)
	assert.Equal(t, 62*time.Second, c.ShutdownTimeoutOrDefault(c.MaxTimeout))
	assert.InDelta(t, 0.1, c.TestingServer.Fail, 0)
	assert.False(t, c.Debug)
	assert.Nil(t, c.AdminAddr, "which is how the admin address is turned off")
}

func TestOtherCommands(t *testing.T) {
	server, _ := parse[*config.TestServer](t, []string{"testserver", "--fail=0", "--min=1ms", "--max", "2ms"})
	assert.Equal(t, ":5002", server.Addr.String())
	assert.Equal(t, config.TestingServer{Min: time.Millisecond, Max: 2 * time.Millisecond}, server.TestingServer)

	for _, args := range [][]string{{"version"}, {"--version"}, {"serve", "--version"}} {
		parse[*config.Version](t, args, "HEDGEROW_PRODUCERS=x")
	}
}

func TestHealthcheckAsksTheAdminAddressUnlessItIsOffOrAnAddressIsGiven(t *testing.T) {
	for _, test := range []struct{ asked, environment, args string }{
		{asked: "127.0.0.1:5001"},
		{asked: "127.0.0.1:5001", environment: "HEDGEROW_ADDR=:6000"},
		{asked: ":6001", environment: "HEDGEROW_ADDR=:6000 HEDGEROW_ADMIN_ADDR=:6001"},
		{asked: ":6000", environment: "HEDGEROW_ADDR=:6000 HEDGEROW_ADMIN_ADDR="},
		{asked: ":5000", environment: "HEDGEROW_ADMIN_ADDR="},
		{asked: ":5000", args: "--admin-addr="},
		{asked: ":6001", args: "--admin-addr=:6001"},
		{asked: ":7000", args: "--addr=:7000"},
		{asked: ":7000", environment: "HEDGEROW_ADDR=:6000 HEDGEROW_ADMIN_ADDR=:6001", args: "--addr=:7000"},
		{asked: ":7000", args: "--addr=:7000 --admin-addr=:6001"},
		{asked: ":7000", args: "--admin-addr=:6001 --addr=:7000"},
	} {
		args := append([]string{"healthcheck"}, strings.Fields(test.args)...)
		health, _ := parse[*config.Healthcheck](t, args, strings.Fields(test.environment)...)
		asked := health.Asked()
		assert.Equal(t, test.asked, asked.String(), test)
	}
}

func TestTheURLOfTheAPI(t *testing.T) {
	for text, sent := range map[string]string{
		"HTTP://h/":              "http://h/",
		"http://h/p?q=a%20b":     "http://h/p?q=a%20b",
		"http://h/%2F?a=|[]{}\"": "http://h/%2F?a=|[]{}\"",
		"http://h/\u00fc":        "http://h/%C3%BC",
		"https://u:p@[::1]:8443": "https://u:p@[::1]:8443",
	} {
		c, _ := parse[*config.Serve](t, nil, "EXPONEA_URL="+text)
		assert.Equal(t, sent, c.ExponeaURL.String())
	}
	parse[*config.Serve](t, []string{"--h2c", "--exponea-url=HTTP://h/"})
}

// badSettings each have a line that says what is wrong.
var badSettings = []struct{ setting, value, line string }{
	{"EXPONEA_URL", "ftp://example.org", `--exponea-url (EXPONEA_URL): "ftp://example.org" is neither http nor https`},
	{"EXPONEA_URL", "example.org/work", `--exponea-url (EXPONEA_URL): "example.org/work" is neither http nor https`},
	{"EXPONEA_URL", "user:secret@example.org/work", `--exponea-url (EXPONEA_URL): is neither http nor https`},
	{"EXPONEA_URL", "secret@example.org/work", `--exponea-url (EXPONEA_URL): is neither http nor https`},
	{"EXPONEA_URL", "ftp://user:secret@h/?key=secret", `--exponea-url (EXPONEA_URL): "ftp://h/?..." is neither http nor https`},
	{"EXPONEA_URL", "http:///work", `--exponea-url (EXPONEA_URL): "http:///work" has no host`},
	{"EXPONEA_URL", "http://127.0.0.1:99999/", `--exponea-url (EXPONEA_URL): "http://127.0.0.1:99999/" has no port from 1 to 65535`},
	{"EXPONEA_URL", "http://h/#f", `--exponea-url (EXPONEA_URL): "http://h/" has a fragment, which is never sent`},
	{"EXPONEA_URL", "http://u:secret@h:port/", `--exponea-url (EXPONEA_URL): is not a URL`},
	{"EXPONEA_URL", "http://h/p?q=a b", `--exponea-url (EXPONEA_URL): "http://h/p?..." has a space: write it as %20`},
	{"EXPONEA_URL", "http://h/a b", `--exponea-url (EXPONEA_URL): "http://h/a%20b" has a space: write it as %20`},
	{"EXPONEA_URL", "http://h/?q=\u00fc", `--exponea-url (EXPONEA_URL): "http://h/?..." has letters that have to be percent-encoded`},
	{"EXPONEA_URL", "http://h/%2F\u00fc", `--exponea-url (EXPONEA_URL): "http://h//%C3%BC" has letters that have to be percent-encoded`},
	{"EXPONEA_URL", "http://h h/", `--exponea-url (EXPONEA_URL): is not a URL`},
	{"EXPONEA_URL", "http://h/\r\nX: y", `--exponea-url (EXPONEA_URL): is not a URL`},
	{"HEDGEROW_REDIS_URL", "http://u:secret@h/", `--redis-url (HEDGEROW_REDIS_URL): is not a URL like redis://user:password@host:6379/0, rediss://host (TLS) or unix:///run/redis.sock`},
	{"HEDGEROW_REDIS_URL", "redis://u:sec ret@h:port/", `--redis-url (HEDGEROW_REDIS_URL): is not a URL like redis://user:password@host:6379/0, rediss://host (TLS) or unix:///run/redis.sock`},
	{"HEDGEROW_ADDR", "5000", `--addr (HEDGEROW_ADDR): "5000" is not an address like :5000 or 127.0.0.1:5000`},
	{"HEDGEROW_ADDR", ":65536", `--addr (HEDGEROW_ADDR): ":65536" has no port from 0 to 65535`},
	{"HEDGEROW_ADMIN_ADDR", "x", `--admin-addr (HEDGEROW_ADMIN_ADDR): "x" is not an address like :5000 or 127.0.0.1:5000`},
	{"HEDGEROW_PRODUCERS", "three", `--producers (HEDGEROW_PRODUCERS): "three" is not a whole number`},
	{"HEDGEROW_PRODUCERS", "0", `--producers (HEDGEROW_PRODUCERS): 0 is below 1`},
	{"HEDGEROW_PRODUCERS", "101", `--producers (HEDGEROW_PRODUCERS): 101 is over 100`},
	{"HEDGEROW_HEDGE_DELAY", "300", `--hedge-delay (HEDGEROW_HEDGE_DELAY): "300" is not a duration like 250ms or 1m30s, or a quantile like p95`},
	{"HEDGEROW_HEDGE_DELAY", "-1ms", `--hedge-delay (HEDGEROW_HEDGE_DELAY): -1ms is below 0s`},
	{"HEDGEROW_HEDGE_DELAY", "p49", `--hedge-delay (HEDGEROW_HEDGE_DELAY): "p49" is not a quantile: expected one from p50 to p99.9`},
	{"HEDGEROW_HEDGE_MIN", "-1ms", `--hedge-min (HEDGEROW_HEDGE_MIN): -1ms is below 0s`},
	{"HEDGEROW_HEDGE_MIN", "25h", `--hedge-min (HEDGEROW_HEDGE_MIN): 25h0m0s is over 24h0m0s`},
	{"HEDGEROW_HEDGE_MAX", "p95", `--hedge-max (HEDGEROW_HEDGE_MAX): "p95" is not a duration like 250ms or 1m30s`},
	{"HEDGEROW_HEDGE_BUDGET", "0.1", `--hedge-budget (HEDGEROW_HEDGE_BUDGET): "0.1" is not a budget: expected a percentage over 0% and up to 100%, such as 10%, or off`},
	{"HEDGEROW_MAX_TIMEOUT", "0s", `--max-timeout (HEDGEROW_MAX_TIMEOUT): 0s is below 1ms`},
	{"HEDGEROW_MAX_TIMEOUT", "2562047h47m16.854s", `--max-timeout (HEDGEROW_MAX_TIMEOUT): 2562047h47m16.854s is over 24h0m0s`},
	{"HEDGEROW_MAX_TIMEOUT", "1500us", `--max-timeout (HEDGEROW_MAX_TIMEOUT): 1.5ms is not a whole number of milliseconds`},
	{"HEDGEROW_LOSER_GRACE", "-1s", `--loser-grace (HEDGEROW_LOSER_GRACE): -1s is below 0s`},
	{"HEDGEROW_MAX_IN_FLIGHT", "2", `--max-in-flight (HEDGEROW_MAX_IN_FLIGHT): 2 is below --producers (HEDGEROW_PRODUCERS), 3`},
	{"HEDGEROW_MAX_CONNECTIONS", "0", `--max-connections (HEDGEROW_MAX_CONNECTIONS): 0 is below 1`},
	{"HEDGEROW_MAX_BODY", "1MB", `--max-body (HEDGEROW_MAX_BODY): "1MB" is not a size like 65536, 64KiB or 1MiB`},
	{"HEDGEROW_MAX_BODY", "0", `--max-body (HEDGEROW_MAX_BODY): 0 is below 1`},
	{"HEDGEROW_SHUTDOWN_DELAY", "-1s", `--shutdown-delay (HEDGEROW_SHUTDOWN_DELAY): -1s is below 0s`},
	{"HEDGEROW_SHUTDOWN_TIMEOUT", "-1s", `--shutdown-timeout (HEDGEROW_SHUTDOWN_TIMEOUT): -1s is below 0s`},
	{"HEDGEROW_LOG_SAMPLE", "1%", `--log-sample (HEDGEROW_LOG_SAMPLE): "1%" is not a number`},
	{"HEDGEROW_LOG_SAMPLE", "1.5", `--log-sample (HEDGEROW_LOG_SAMPLE): 1.5 is over 1`},
	{"HEDGEROW_LOG_LEVEL", "loud", `--log-level (HEDGEROW_LOG_LEVEL): "loud" is not debug, info, warn or error`},
	{"HEDGEROW_LOG_FORMAT", "xml", `--log-format (HEDGEROW_LOG_FORMAT): "xml" is neither json nor text`},
	{"HEDGEROW_TESTSERVER_FAIL", "1.5", `--testserver-fail (HEDGEROW_TESTSERVER_FAIL): 1.5 is over 1`},
	{"HEDGEROW_TESTSERVER_FAIL", "NaN", `--testserver-fail (HEDGEROW_TESTSERVER_FAIL): "NaN" is not a number`},
	{"HEDGEROW_TESTSERVER_HANG", "0.95", `--testserver-fail (HEDGEROW_TESTSERVER_FAIL): together with reset, garbage and hang it is 1.05, which is over 1`},
	{"HEDGEROW_TESTSERVER_MAX", "50ms", `--testserver-max (HEDGEROW_TESTSERVER_MAX): 50ms is below --testserver-min (HEDGEROW_TESTSERVER_MIN), 100ms`},
	{"HEDGEROW_TESTSERVER_MAX", "150.5ms", `--testserver-max (HEDGEROW_TESTSERVER_MAX): 150.5ms is not a whole number of milliseconds`},
	{"HEDGEROW_TESTSERVER_SEED", "-1", `--testserver-seed (HEDGEROW_TESTSERVER_SEED): "-1" is not a whole number from 0`},
	{"HEDGEROW_H2C", "true", `--h2c (HEDGEROW_H2C): is for an http URL in --exponea-url (EXPONEA_URL)`},
	{"HEDGEROW_H2C", "maybe", `--h2c (HEDGEROW_H2C): "maybe" is neither true nor false`},
	{"HEDGEROW_PRODUCER", "3", `HEDGEROW_PRODUCER: is not a setting, did you mean HEDGEROW_PRODUCERS?`},
	{"HEDGEROW_COLOUR", "red", `HEDGEROW_COLOUR: is not a setting`},
	{"EXPONEA_URI", "http://h/", `EXPONEA_URI: is not a setting, did you mean EXPONEA_URL?`},
}

func TestABadSettingIsOneReadableLine(t *testing.T) {
	for _, test := range badSettings {
		t.Run(test.setting+"="+test.value, func(t *testing.T) {
			_, _, err := config.Parse([]string{"serve"}, []string{test.setting + "=" + test.value})
			assert.EqualError(t, err, test.line)
		})
	}
}

func TestEachProblemHasItsLine(t *testing.T) {
	_, _, err := config.Parse([]string{"--max-in-flight=w"}, []string{
		"HEDGEROW_PRODUCERS=x", "HEDGEROW_HEDGE_DELAY=y", "HEDGEROW_MAX_BODY=z", "HEDGEROW_H2C=true", "EXPONEA_URL=nonsense", "HEDGEROW_COLOUR=red",
		"HEDGEROW_TESTSERVER_FAIL=1", "HEDGEROW_TESTSERVER_HANG=1",
	})
	require.Error(t, err)
	var settings []string
	for line := range strings.Lines(err.Error()) {
		setting, _, _ := strings.Cut(line, ":")
		settings = append(settings, setting)
	}
	assert.ElementsMatch(t, []string{
		"--max-in-flight (HEDGEROW_MAX_IN_FLIGHT)", "--producers (HEDGEROW_PRODUCERS)", "--hedge-delay (HEDGEROW_HEDGE_DELAY)",
		"--max-body (HEDGEROW_MAX_BODY)", "--exponea-url (EXPONEA_URL)", "HEDGEROW_COLOUR", "--testserver-fail (HEDGEROW_TESTSERVER_FAIL)",
	}, settings)
}

func TestARedisIsNamedByItsURLOrNotAtAll(t *testing.T) {
	c, _ := parse[*config.Serve](t, nil, "HEDGEROW_REDIS_URL=rediss://me:hunter2@h/1")
	assert.Equal(t, "h:6379", c.RedisURL.String())
	c, _ = parse[*config.Serve](t, nil, "HEDGEROW_REDIS_URL=")
	assert.Nil(t, c.RedisURL)
}

func TestHedgesGoByAQuantileWithinBoundsAndABudget(t *testing.T) {
	c, _ := parse[*config.Serve](t, []string{"--hedge-delay=p99.5", "--hedge-min=20ms"}, "HEDGEROW_HEDGE_MAX=400ms", "HEDGEROW_HEDGE_BUDGET=2.5%")
	assert.Equal(t, hedge.Settings{When: hedge.When{Quantile: 995}, Min: 20 * time.Millisecond, Max: 400 * time.Millisecond}, c.Hedge())
	assert.InDelta(t, 0.025, float64(c.HedgeBudget), 0)

	parse[*config.Serve](t, []string{"--hedge-min=20ms", "--hedge-max=20ms"})
	parse[*config.Serve](t, []string{"--hedge-min=20h"}) // the default of the longest delay gives way
	_, _, err := config.Parse([]string{"--hedge-min=21ms", "--hedge-max=20ms"}, nil)
	require.EqualError(t, err, "--hedge-min (HEDGEROW_HEDGE_MIN): 21ms is over --hedge-max (HEDGEROW_HEDGE_MAX), 20ms")

	c, _ = parse[*config.Serve](t, nil, "HEDGEROW_HEDGE_DELAY=", "HEDGEROW_HEDGE_MIN=", "HEDGEROW_HEDGE_MAX=", "HEDGEROW_HEDGE_BUDGET=")
	assert.Equal(t, hedge.Settings{When: hedge.When{Delay: 300 * time.Millisecond}}, c.Hedge())
	assert.Zero(t, c.HedgeBudget)
}

func TestASettingThatTheCommandDoesNotHaveIsNotItsProblem(t *testing.T) {
	parse[*config.TestServer](t, []string{"testserver"}, "HEDGEROW_PRODUCERS=x", "EXPONEA_URL=nonsense")
	_, _, err := config.Parse([]string{"healthcheck"}, []string{"HEDGEROW_ADDR=bad", "HEDGEROW_TESTSERVER_ADDR=bad"})
	require.EqualError(t, err, `--addr (HEDGEROW_ADDR): "bad" is not an address like :5000 or 127.0.0.1:5000`)
	_, _, err = config.Parse([]string{"healthcheck", "--producers=x"}, []string{"HEDGEROW_PRODUCERS=y"})
	assert.EqualError(t, err, "unknown flag --producers")
}

func TestADEBUGOfAnotherToolIsAWarning(t *testing.T) {
	for _, value := range []string{"*", "release", "app:*", "yes"} {
		c, warnings := parse[*config.Serve](t, nil, "DEBUG="+value)
		assert.False(t, c.Debug)
		assert.Equal(t, []string{`DEBUG: "` + value + `" is neither true nor false: it is ignored`}, warnings)
	}
	_, _, err := config.Parse([]string{"--debug=release"}, nil)
	assert.EqualError(t, err, `--debug (DEBUG): "release" is neither true nor false`)
}

func TestAFlagIsGivenOnce(t *testing.T) {
	for _, args := range [][]string{{"--addr=:1", "--addr", ":1"}, {"serve", "--addr=:1", "--addr=:2"}, {"--h2c", "--addr=:1", "--addr=:2", "--exponea-url=http://h"}} {
		_, _, err := config.Parse(args, []string{"HEDGEROW_ADDR=:3"})
		require.EqualError(t, err, "--addr (HEDGEROW_ADDR): is given more than once", args)
	}
}

func TestAnUnknownFlagOrCommand(t *testing.T) {
	_, _, err := config.Parse([]string{"--prodcers=3"}, nil)
	require.ErrorContains(t, err, "unknown flag --prodcers")
	_, _, err = config.Parse([]string{"sevre"}, nil)
	require.ErrorContains(t, err, "sevre")
	_, _, err = config.Parse([]string{"two\nlines"}, nil)
	assert.EqualError(t, err, "unexpected argument two\uFFFDlines")
}

func TestSharesMayAddUpToOne(t *testing.T) {
	// In binary a little more than 1.
	parse[*config.TestServer](t, []string{"testserver", "--fail=0.05", "--reset=0.55", "--garbage=0.3", "--hang=0.1"})
}

func TestVariablesThatKubernetesOrComposeAddsAreNotSettings(t *testing.T) {
	parse[*config.Serve](t, nil, "HEDGEROW_SERVICE_HOST=10.0.0.1", "HEDGEROW_SERVICE_PORT_HTTP=5000", "HEDGEROW_PORT=tcp://10.0.0.1:5000",
		"HEDGEROW_PORT_5000_TCP_ADDR=10.0.0.1", "EXPONEA_SERVICE_HOST=10.0.0.1", "HEDGEROW_IMAGE=hedgerow:1", "HEDGEROW_ADMIN_PORT=5001",
		"HEDGEROW_PROXY_PORT=5000")
}

func help(t *testing.T, args ...string) string {
	t.Helper()
	text, _ := parse[config.Help](t, args, "HEDGEROW_PRODUCERS=x")
	return strings.Join(strings.Fields(string(text)), " ")
}

func TestTheHelpShowsFlagVariableDefaultAndMeaning(t *testing.T) {
	text := help(t, "serve", "--help")
	assert.Contains(t, text, "--producers=3 Attempts per call ($HEDGEROW_PRODUCERS).")
	assert.Contains(t, text, "--exponea-url=URL The third-party API")
	assert.Contains(t, text, "$EXPONEA_URL")
}

func TestHelpWithoutACommandShowsTheCommandsAndHowToSeeTheirFlags(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"--producers=3", "--help"}} {
		text := help(t, args...)
		for _, part := range []string{
			"Usage: hedgerow <command>", "serve Run the service (the default command).", "testserver Run the testing server alone.", "healthcheck", "version",
			`Run "hedgerow <command> --help" for more information on a command.`,
		} {
			assert.Contains(t, text, part)
		}
		assert.NotContains(t, text, "--producers")
	}
}

func TestTheTestingServersOldNamesWorkAndTheLogIsToldTheNewOnes(t *testing.T) {
	c, warnings := parse[*config.Serve](t, []string{"--upstream-min", "1ms", "--upstream-seed=7"}, "HEDGEROW_UPSTREAM_HANG=0.5")
	assert.Equal(t, time.Millisecond, c.TestingServer.Min)
	assert.EqualValues(t, 7, c.TestingServer.Seed)
	assert.InDelta(t, 0.5, c.TestingServer.Hang, 0)
	assert.Equal(t, []string{
		"--upstream-min is now called --testserver-min",
		"--upstream-seed is now called --testserver-seed",
		"HEDGEROW_UPSTREAM_HANG is now called HEDGEROW_TESTSERVER_HANG",
	}, warnings)

	server, warnings := parse[*config.TestServer](t, []string{"upstream", "--min=1ms"}, "HEDGEROW_UPSTREAM_ADDR=:1")
	assert.Equal(t, ":1", server.Addr.String())
	assert.Equal(t, []string{
		"the command upstream is now called testserver",
		"HEDGEROW_UPSTREAM_ADDR is now called HEDGEROW_TESTSERVER_ADDR",
	}, warnings)
}

func TestOfAnOldNameAndANewOneTheNewOneWins(t *testing.T) {
	for _, args := range [][]string{
		{"--upstream-seed=1", "--testserver-seed=2"}, {"--testserver-seed", "2", "--upstream-seed", "1"}, {"--upstream-seed", "1", "--testserver-seed=2"},
	} {
		c, warnings := parse[*config.Serve](t, args)
		assert.EqualValues(t, 2, c.TestingServer.Seed)
		assert.Len(t, warnings, 1)
	}
	c, warnings := parse[*config.Serve](t, nil, "HEDGEROW_UPSTREAM_SEED=1", "HEDGEROW_TESTSERVER_SEED=2")
	assert.EqualValues(t, 2, c.TestingServer.Seed)
	assert.Len(t, warnings, 1)

	c, _ = parse[*config.Serve](t, nil, "HEDGEROW_UPSTREAM_SEED=1", "HEDGEROW_TESTSERVER_SEED=")
	assert.EqualValues(t, 1, c.TestingServer.Seed, "an empty one is not set")
}

func TestAnUnknownOldNameIsNotASetting(t *testing.T) {
	_, _, err := config.Parse(nil, []string{"HEDGEROW_UPSTREAM_MAXIMUM=1s"})
	assert.EqualError(t, err, "HEDGEROW_UPSTREAM_MAXIMUM: is not a setting")
}

func TestTheHelpDoesNotShowOldNames(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"testserver", "--help"}} {
		text := help(t, args...)
		assert.NotContains(t, text, "--upstream")
		assert.NotContains(t, text, "HEDGEROW_UPSTREAM")
		assert.NotContains(t, text, "hedgerow upstream")
	}
}
