package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config"
)

// clean takes the settings of whoever runs the tests out of the environment.
func clean(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if name == "DEBUG" || name == "EXPONEA_URL" || strings.HasPrefix(name, "HEDGEROW_") {
			t.Setenv(name, value) // puts it back at the end
			require.NoError(t, os.Unsetenv(name))
		}
	}
}

func TestDefaults(t *testing.T) {
	clean(t)
	command, c, err := config.Parse(nil, os.Environ(), nil)
	require.NoError(t, err)
	assert.Equal(t, "serve", command)
	assert.Equal(t, config.Serve{
		Addr: ":5000", AdminAddr: "127.0.0.1:5001",
		Producers: 3, HedgeDelay: 300 * time.Millisecond, MaxTimeout: time.Minute, LoserGrace: 250 * time.Millisecond,
		MaxInFlight: 12288, MaxConnections: 16384, MaxBody: 1 << 20,
		Log:           config.Log{LogLevel: "info"},
		TestingServer: config.TestingServer{Min: 100 * time.Millisecond, Max: 600 * time.Millisecond, Fail: 0.1},
	}, c.Serve)
	assert.Equal(t, 62*time.Second, c.Serve.ShutdownTimeoutOrDefault())
}

func TestAFlagGoesBeforeItsVariableAndThatBeforeTheDefault(t *testing.T) {
	clean(t)
	t.Setenv("HEDGEROW_PRODUCERS", "4")
	t.Setenv("HEDGEROW_MAX_BODY", "64KiB")
	t.Setenv("HEDGEROW_SHUTDOWN_TIMEOUT", "1s")
	t.Setenv("DEBUG", "true")
	t.Setenv("HEDGEROW_TESTSERVER_HANG", "0.5")
	command, c, err := config.Parse([]string{"--producers=5", "--testserver-seed", "7"}, os.Environ(), nil)
	require.NoError(t, err)
	assert.Equal(t, "serve", command)
	assert.Equal(t, 5, c.Serve.Producers)
	assert.Equal(t, config.Size(64<<10), c.Serve.MaxBody)
	assert.Equal(t, time.Second, c.Serve.ShutdownTimeoutOrDefault())
	assert.True(t, c.Serve.Debug)
	assert.InDelta(t, 0.5, c.Serve.TestingServer.Hang, 0)
	assert.EqualValues(t, 7, c.Serve.TestingServer.Seed)
}

func TestAnEmptyVariableStandsForTheDefault(t *testing.T) {
	clean(t)
	t.Setenv("EXPONEA_URL", "")
	for _, name := range []string{
		"HEDGEROW_PRODUCERS", "HEDGEROW_ADDR", "HEDGEROW_LOG_LEVEL", "HEDGEROW_LOG_FORMAT", "HEDGEROW_MAX_BODY",
		"HEDGEROW_SHUTDOWN_TIMEOUT", "HEDGEROW_TESTSERVER_FAIL", "HEDGEROW_TESTSERVER_SEED", "DEBUG",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("HEDGEROW_ADMIN_ADDR", "")
	_, c, err := config.Parse([]string{"serve"}, os.Environ(), nil)
	require.NoError(t, err)
	assert.Equal(t, 3, c.Serve.Producers)
	assert.Equal(t, ":5000", c.Serve.Addr)
	assert.Equal(t, "info", c.Serve.LogLevel)
	assert.Equal(t, 62*time.Second, c.Serve.ShutdownTimeoutOrDefault())
	assert.InDelta(t, 0.1, c.Serve.TestingServer.Fail, 0)
	assert.False(t, c.Serve.Debug)
	assert.Empty(t, c.Serve.AdminAddr, "which is how the admin address is turned off")
}

func TestOtherCommands(t *testing.T) {
	clean(t)
	t.Setenv("HEDGEROW_ADDR", "127.0.0.1:6000")
	command, c, err := config.Parse([]string{"healthcheck"}, os.Environ(), nil)
	require.NoError(t, err)
	assert.Equal(t, "healthcheck", command)
	assert.Equal(t, "127.0.0.1:6000", c.Healthcheck.Addr)

	command, c, err = config.Parse([]string{"testserver", "--fail=0", "--min=1ms", "--max", "2ms"}, os.Environ(), nil)
	require.NoError(t, err)
	assert.Equal(t, "testserver", command)
	assert.Equal(t, ":5002", c.TestServer.Addr)
	assert.Equal(t, config.TestingServer{Min: time.Millisecond, Max: 2 * time.Millisecond}, c.TestServer.TestingServer)

	command, _, err = config.Parse([]string{"version"}, os.Environ(), nil)
	require.NoError(t, err)
	assert.Equal(t, "version", command)
}

func TestABadSettingIsOneReadableLine(t *testing.T) {
	for _, test := range []struct{ setting, value, line string }{
		{"EXPONEA_URL", "ftp://example.org", `--exponea-url (EXPONEA_URL): "ftp://example.org" is neither http nor https`},
		{"EXPONEA_URL", "example.org/work", `--exponea-url (EXPONEA_URL): "example.org/work" is neither http nor https`},
		{"EXPONEA_URL", "http:///work", `--exponea-url (EXPONEA_URL): "http:///work" has no host`},
		{"EXPONEA_URL", "http://127.0.0.1:99999/", `--exponea-url (EXPONEA_URL): "http://127.0.0.1:99999/" has no port from 1 to 65535`},
		{"EXPONEA_URL", "http://h/#f", `--exponea-url (EXPONEA_URL): "http://h/#f" has a fragment, which is never sent`},
		{"EXPONEA_URL", "http://u:secret@h:port/", `--exponea-url (EXPONEA_URL): no URL`},
		{"HEDGEROW_ADDR", "5000", `--addr (HEDGEROW_ADDR): "5000" is no address like :5000 or 127.0.0.1:5000`},
		{"HEDGEROW_ADDR", ":65536", `--addr (HEDGEROW_ADDR): ":65536" has no port from 0 to 65535`},
		{"HEDGEROW_ADMIN_ADDR", "x", `--admin-addr (HEDGEROW_ADMIN_ADDR): "x" is no address like :5000 or 127.0.0.1:5000`},
		{"HEDGEROW_PRODUCERS", "three", `--producers (HEDGEROW_PRODUCERS): "three" is no whole number`},
		{"HEDGEROW_PRODUCERS", "0", `--producers (HEDGEROW_PRODUCERS): 0 is below 1`},
		{"HEDGEROW_PRODUCERS", "101", `--producers (HEDGEROW_PRODUCERS): 101 is over 100`},
		{"HEDGEROW_HEDGE_DELAY", "300", `--hedge-delay (HEDGEROW_HEDGE_DELAY): "300" is no duration like 250ms or 1m30s`},
		{"HEDGEROW_HEDGE_DELAY", "-1ms", `--hedge-delay (HEDGEROW_HEDGE_DELAY): -1ms is below 0s`},
		{"HEDGEROW_MAX_TIMEOUT", "0s", `--max-timeout (HEDGEROW_MAX_TIMEOUT): 0s is below 1ms`},
		{"HEDGEROW_MAX_TIMEOUT", "2562047h47m16.854s", `--max-timeout (HEDGEROW_MAX_TIMEOUT): 2562047h47m16.854s is over 24h0m0s`},
		{"HEDGEROW_MAX_TIMEOUT", "1500us", `--max-timeout (HEDGEROW_MAX_TIMEOUT): 1.5ms is no whole number of milliseconds`},
		{"HEDGEROW_LOSER_GRACE", "-1s", `--loser-grace (HEDGEROW_LOSER_GRACE): -1s is below 0s`},
		{"HEDGEROW_MAX_IN_FLIGHT", "2", `--max-in-flight (HEDGEROW_MAX_IN_FLIGHT): 2 is below 3`},
		{"HEDGEROW_MAX_CONNECTIONS", "0", `--max-connections (HEDGEROW_MAX_CONNECTIONS): 0 is below 1`},
		{"HEDGEROW_MAX_BODY", "1MB", `--max-body (HEDGEROW_MAX_BODY): "1MB" is no size like 65536, 64KiB or 1MiB`},
		{"HEDGEROW_MAX_BODY", "0", `--max-body (HEDGEROW_MAX_BODY): 0 is below 1`},
		{"HEDGEROW_SHUTDOWN_DELAY", "-1s", `--shutdown-delay (HEDGEROW_SHUTDOWN_DELAY): -1s is below 0s`},
		{"HEDGEROW_SHUTDOWN_TIMEOUT", "-1s", `--shutdown-timeout (HEDGEROW_SHUTDOWN_TIMEOUT): -1s is below 0s`},
		{"HEDGEROW_LOG_LEVEL", "loud", `--log-level (HEDGEROW_LOG_LEVEL): "loud" is none of ["debug" "info" "warn" "error"]`},
		{"HEDGEROW_LOG_FORMAT", "xml", `--log-format (HEDGEROW_LOG_FORMAT): "xml" is none of ["" "json" "text"]`},
		{"HEDGEROW_TESTSERVER_FAIL", "1.5", `--testserver-fail: 1.5 is not between 0 and 1`},
		{"HEDGEROW_TESTSERVER_FAIL", "NaN", `--testserver-fail: NaN is not between 0 and 1`},
		{"HEDGEROW_TESTSERVER_HANG", "0.95", `--testserver-fail, -reset, -garbage and -hang: together 1.05, over 1`},
		{"HEDGEROW_TESTSERVER_MAX", "50ms", `--testserver-max (HEDGEROW_TESTSERVER_MAX): 50ms is below 100ms`},
		{"HEDGEROW_TESTSERVER_MAX", "150.5ms", `--testserver-max (HEDGEROW_TESTSERVER_MAX): 150.5ms is no whole number of milliseconds`},
		{"HEDGEROW_TESTSERVER_SEED", "-1", `--testserver-seed (HEDGEROW_TESTSERVER_SEED): "-1" is no whole number`},
		{"HEDGEROW_H2C", "true", `--h2c (HEDGEROW_H2C): is for an EXPONEA_URL of the scheme http`},
		{"DEBUG", "maybe", `--debug (DEBUG): "maybe" is neither true nor false`},
		{"HEDGEROW_PRODUCER", "3", `HEDGEROW_PRODUCER: unknown setting`},
	} {
		t.Run(test.setting+"="+test.value, func(t *testing.T) {
			clean(t)
			t.Setenv(test.setting, test.value)
			_, _, err := config.Parse([]string{"serve"}, os.Environ(), nil)
			assert.EqualError(t, err, test.line)
		})
	}
}

func TestEachProblemHasItsLine(t *testing.T) {
	clean(t)
	t.Setenv("HEDGEROW_PRODUCERS", "x")
	t.Setenv("HEDGEROW_HEDGE_DELAY", "y")
	t.Setenv("HEDGEROW_MAX_BODY", "z")
	_, _, err := config.Parse([]string{"--max-in-flight=w"}, os.Environ(), nil)
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 4)

	t.Setenv("HEDGEROW_ADDR", "bad") // one that can be read but is no good
	_, _, err = config.Parse([]string{"--max-in-flight=w"}, os.Environ(), nil)
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 5)
}

func TestAnUnknownFlagOrCommand(t *testing.T) {
	clean(t)
	_, _, err := config.Parse([]string{"--prodcers=3"}, os.Environ(), nil)
	require.ErrorContains(t, err, "unknown flag --prodcers")
	_, _, err = config.Parse([]string{"sevre"}, os.Environ(), nil)
	require.ErrorContains(t, err, "sevre")
	_, _, err = config.Parse([]string{"two\nlines"}, os.Environ(), nil)
	assert.EqualError(t, err, "unexpected argument two\uFFFDlines")
}

func TestSharesMayAddUpToOne(t *testing.T) {
	clean(t)
	// In binary a little more than 1.
	_, _, err := config.Parse([]string{"testserver", "--fail=0.05", "--reset=0.55", "--garbage=0.3", "--hang=0.1"}, os.Environ(), nil)
	assert.NoError(t, err)
}

func TestVariablesThatKubernetesAddsAreNoSettings(t *testing.T) {
	clean(t)
	t.Setenv("HEDGEROW_SERVICE_HOST", "10.0.0.1")
	t.Setenv("HEDGEROW_SERVICE_PORT_HTTP", "5000")
	t.Setenv("HEDGEROW_PORT", "tcp://10.0.0.1:5000")
	t.Setenv("HEDGEROW_PORT_5000_TCP_ADDR", "10.0.0.1")
	_, _, err := config.Parse(nil, os.Environ(), nil)
	assert.NoError(t, err)
}

func TestTheHelpShowsFlagVariableDefaultAndMeaning(t *testing.T) {
	clean(t)
	var out bytes.Buffer
	_, _, err := config.Parse([]string{"serve", "--help"}, os.Environ(), &out)
	require.ErrorIs(t, err, config.ErrHelp)
	help := strings.Join(strings.Fields(out.String()), " ")
	assert.Contains(t, help, "--producers=3 Attempts per call ($HEDGEROW_PRODUCERS).")
	assert.Contains(t, help, "--exponea-url=URL The third-party API")
	assert.Contains(t, help, "$EXPONEA_URL")
}

func TestTheTestingServersOldNamesWorkAndTheLogIsToldTheNewOnes(t *testing.T) {
	command, c, err := config.Parse([]string{"--upstream-min", "1ms", "--upstream-seed=7"}, []string{"HEDGEROW_UPSTREAM_HANG=0.5"}, nil)
	require.NoError(t, err)
	assert.Equal(t, "serve", command)
	assert.Equal(t, time.Millisecond, c.Serve.TestingServer.Min)
	assert.EqualValues(t, 7, c.Serve.TestingServer.Seed)
	assert.InDelta(t, 0.5, c.Serve.TestingServer.Hang, 0)
	assert.Equal(t, []string{
		"--upstream-min is now called --testserver-min",
		"--upstream-seed is now called --testserver-seed",
		"HEDGEROW_UPSTREAM_HANG is now called HEDGEROW_TESTSERVER_HANG",
	}, c.Warnings)

	command, c, err = config.Parse([]string{"upstream", "--min=1ms"}, []string{"HEDGEROW_UPSTREAM_ADDR=:1"}, nil)
	require.NoError(t, err)
	assert.Equal(t, "testserver", command)
	assert.Equal(t, ":1", c.TestServer.Addr)
	assert.Equal(t, []string{
		"the command upstream is now called testserver",
		"HEDGEROW_UPSTREAM_ADDR is now called HEDGEROW_TESTSERVER_ADDR",
	}, c.Warnings)
}

func TestOfAnOldNameAndANewOneTheNewOneWins(t *testing.T) {
	_, c, err := config.Parse(nil, []string{"HEDGEROW_UPSTREAM_SEED=1", "HEDGEROW_TESTSERVER_SEED=2"}, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 2, c.Serve.TestingServer.Seed)
	assert.Len(t, c.Warnings, 1)

	_, c, err = config.Parse(nil, []string{"HEDGEROW_UPSTREAM_SEED=1", "HEDGEROW_TESTSERVER_SEED="}, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, c.Serve.TestingServer.Seed, "an empty one is not set")
}

func TestAnUnknownOldNameIsAnUnknownSetting(t *testing.T) {
	_, _, err := config.Parse(nil, []string{"HEDGEROW_UPSTREAM_MAXIMUM=1s"}, nil)
	assert.EqualError(t, err, "HEDGEROW_TESTSERVER_MAXIMUM: unknown setting")
}

func TestTheHelpDoesNotShowOldNames(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"testserver", "--help"}} {
		var out bytes.Buffer
		_, _, err := config.Parse(args, nil, &out)
		require.ErrorIs(t, err, config.ErrHelp)
		assert.NotContains(t, out.String(), "--upstream")
		assert.NotContains(t, out.String(), "HEDGEROW_UPSTREAM")
		assert.NotContains(t, out.String(), "hedgerow upstream")
	}
}
