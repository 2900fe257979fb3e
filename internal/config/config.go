// Package config holds the settings: one declaration gives each its flag, its environment variable, its default, its help and its
// check.
package config

import "time"

// CommandLine is everything that can be asked of the binary.
type CommandLine struct {
	Serve       Serve       `cmd:"" default:"withargs" help:"Run the service (the default command)."`
	TestServer  TestServer  `cmd:"" name:"testserver" help:"Run the testing server alone."`
	Healthcheck Healthcheck `cmd:"" help:"Ask a running service whether it is ready. Exit code 0: it is."`
	Version     struct{}    `cmd:"" help:"Print the version."`

	// Warnings are what the log has to say about the settings.
	Warnings []string `kong:"-"`
}

// Serve are the settings of the service.
type Serve struct {
	ExponeaURL string `type:"mayempty" name:"exponea-url" env:"EXPONEA_URL" placeholder:"URL" help:"The third-party API, http or https: the full URL that every attempt GETs. Empty: a built-in testing server."`

	H2C bool `name:"h2c" env:"HEDGEROW_H2C" help:"Call an http API by HTTP/2 in clear text, with prior knowledge. With https the two sides agree by themselves."`

	Addr      string `env:"HEDGEROW_ADDR" default:":5000" help:"Where the API and the console listen."`
	AdminAddr string `type:"mayempty" env:"HEDGEROW_ADMIN_ADDR" default:"127.0.0.1:5001" help:"Where /metrics and /debug/pprof/ listen. Empty: off."`

	Producers      int           `env:"HEDGEROW_PRODUCERS" default:"3" help:"Attempts per call."`
	HedgeDelay     time.Duration `env:"HEDGEROW_HEDGE_DELAY" default:"300ms" help:"How long smart waits for its first attempt before it fires the rest."`
	MaxTimeout     time.Duration `env:"HEDGEROW_MAX_TIMEOUT" default:"60s" help:"Largest timeout that a call may ask for, a whole number of milliseconds."`
	LoserGrace     time.Duration `env:"HEDGEROW_LOSER_GRACE" default:"250ms" help:"How long attempts still running when their call is answered may go on, so that their connection can be used again. 0: not at all."`
	MaxInFlight    int           `env:"HEDGEROW_MAX_IN_FLIGHT" default:"12288" help:"Attempts in flight over all calls. Calls beyond are refused with 503."`
	MaxConnections int           `env:"HEDGEROW_MAX_CONNECTIONS" default:"16384" help:"Connections from callers. Further ones wait to be accepted."`
	MaxBody        Size          `env:"HEDGEROW_MAX_BODY" default:"1MiB" help:"Largest body of the upstream API, decompressed."`

	ShutdownDelay   time.Duration `env:"HEDGEROW_SHUTDOWN_DELAY" default:"0s" help:"When told to stop: time between not ready and not listening any more."`
	ShutdownTimeout time.Duration `env:"HEDGEROW_SHUTDOWN_TIMEOUT" default:"0s" help:"After that: time for the calls in flight. 0s: the largest timeout and 2 s."`

	Log

	TestingServer TestingServer `embed:"" prefix:"testserver-" envprefix:"HEDGEROW_TESTSERVER_" group:"Built-in testing server:"`
}

// TestServer are the settings of the testing server when it runs alone.
type TestServer struct {
	Addr string `env:"HEDGEROW_TESTSERVER_ADDR" default:":5002" help:"Where the testing server listens."`
	Log
	TestingServer TestingServer `embed:"" envprefix:"HEDGEROW_TESTSERVER_"`
}

// Healthcheck are the settings of the command healthcheck.
type Healthcheck struct {
	Addr    string        `env:"HEDGEROW_ADDR" default:":5000" help:"Where the service listens; without a host: on this machine."`
	Path    string        `default:"/readyz" help:"What to ask for."`
	Timeout time.Duration `default:"2s" help:"How long to wait for the answer."`
}

// Log are the settings of the log, which goes to standard error.
type Log struct {
	LogLevel  string `env:"HEDGEROW_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat string `env:"HEDGEROW_LOG_FORMAT" placeholder:"FORMAT" help:"json or text. Default: text on a terminal, json elsewhere."`
	Debug     bool   `env:"DEBUG" help:"Debug logs and Gin's debug mode."`
}

// TestingServer says how the testing server behaves.
type TestingServer struct {
	Min     time.Duration `env:"MIN" default:"100ms" help:"Shortest time to answer."`
	Max     time.Duration `env:"MAX" default:"600ms" help:"Longest time to answer."`
	Fail    float64       `env:"FAIL" default:"0.1" help:"Share of requests answered with status 500."`
	Reset   float64       `env:"RESET" default:"0" help:"Share of requests whose connection is reset."`
	Garbage float64       `env:"GARBAGE" default:"0" help:"Share of requests answered with something that is no JSON."`
	Hang    float64       `env:"HANG" default:"0" help:"Share of requests never answered."`
	Seed    uint64        `env:"SEED" default:"0" help:"Seed of its randomness. 0: another one at each start."`
}

// shutdownMargin is what calls in flight get on top of the largest timeout.
const shutdownMargin = 2 * time.Second

// ShutdownTimeoutOrDefault is the time for calls in flight at the end.
func (s *Serve) ShutdownTimeoutOrDefault() time.Duration {
	if s.ShutdownTimeout > 0 {
		return s.ShutdownTimeout
	}
	return s.MaxTimeout + shutdownMargin
}
