// Package config holds the settings. One declaration gives each its flag, its environment variable, its default, its bounds and its
// help, and Parse makes typed values of them.
package config

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/alecthomas/kong"

	"hedgerow/internal/config/otel"
	"hedgerow/internal/hedge"
	"hedgerow/internal/replicas"
)

// Command is what the binary was asked to do: a *Serve, *Check, *TestServer, *Healthcheck, *Version or Help.
type Command interface{ isCommand() }

// Help is the text that was asked for.
type Help string

// Version asks for the version.
type Version struct{}

func (*Serve) isCommand()       {}
func (*Check) isCommand()       {}
func (*TestServer) isCommand()  {}
func (*Healthcheck) isCommand() {}
func (*Version) isCommand()     {}
func (Help) isCommand()         {}

// commandLine is everything that can be asked of the binary.
type commandLine struct {
	AskVersion bool `name:"version" help:"Print the version."`

	Serve       Serve       `cmd:"" default:"withargs" help:"Run the service (the default command)."`
	Check       Check       `cmd:"" help:"Check the file of APIs and say in words what it means."`
	TestServer  TestServer  `cmd:"" name:"testserver" help:"Run the testing server alone."`
	Healthcheck Healthcheck `cmd:"" help:"Ask a running service whether it is ready. Exit code 0: it is."`
	Version     Version     `cmd:"" help:"Print the version."`
}

// Serve are the settings of the service.
type Serve struct {
	// ExponeaURL is nil when the built-in testing server stands in.
	ExponeaURL *url.URL `name:"exponea-url" env:"EXPONEA_URL" placeholder:"URL" help:"The third-party API, http or https: the full URL that every attempt GETs. Empty: a built-in testing server."`

	Config string `env:"HEDGEROW_CONFIG" placeholder:"FILE" help:"The file of the APIs that are called through /proxy/. Empty: there are none."`

	// RedisURL is nil when replicas share nothing.
	RedisURL *replicas.URL `name:"redis-url" env:"HEDGEROW_REDIS_URL" placeholder:"URL" help:"The Redis through which replicas share the quotas of the file: redis, rediss or unix. Empty: each replica has them for itself."`

	H2C bool `name:"h2c" env:"HEDGEROW_H2C" help:"Call an http API by HTTP/2 in clear text, with prior knowledge. With https the two sides agree by themselves."`

	Addr Address `env:"HEDGEROW_ADDR" default:":5000" help:"Where the API and the console listen."`
	// AdminAddr is nil when it is off.
	AdminAddr *Address `env:"HEDGEROW_ADMIN_ADDR" default:"127.0.0.1:5001" help:"Where the live page, /metrics, /debug/pprof/ and the probes listen. Empty: off."`

	Producers      int           `env:"HEDGEROW_PRODUCERS" default:"3" min:"1" max:"100" help:"Attempts per call."`
	HedgeDelay     hedge.When    `env:"HEDGEROW_HEDGE_DELAY" default:"300ms" help:"How long smart waits for its first attempt before it fires the rest. A duration, or a quantile of how long the attempts of the last minute took, from p50 to p99.9."`
	HedgeMin       time.Duration `env:"HEDGEROW_HEDGE_MIN" default:"0s" min:"0s" max:"24h" help:"Shortest delay by a quantile. 0s: 10ms, or the longest delay when that is less."`
	HedgeMax       time.Duration `env:"HEDGEROW_HEDGE_MAX" default:"0s" min:"0s" max:"24h" help:"Longest delay by a quantile, and the one while too few attempts are known. 0s: half of the timeout, or the shortest delay when that is more."`
	HedgeBudget    hedge.Budget  `env:"HEDGEROW_HEDGE_BUDGET" default:"off" help:"Hedges of smart for so many of the calls that end well, such as 10%. At most 10 at a time; others are not sent. off: nothing bounds them."`
	MaxTimeout     time.Duration `type:"milliseconds" env:"HEDGEROW_MAX_TIMEOUT" default:"60s" min:"1ms" max:"24h" help:"Largest timeout that a call may ask for, a whole number of milliseconds."`
	LoserGrace     time.Duration `env:"HEDGEROW_LOSER_GRACE" default:"250ms" min:"0s" help:"How long attempts still running when their call is answered may go on, so that their connection can be used again. 0s: not at all."`
	MaxInFlight    int           `env:"HEDGEROW_MAX_IN_FLIGHT" default:"12288" min:"1" help:"Attempts in flight over all calls. Calls beyond are refused with 503."`
	MaxConnections int           `env:"HEDGEROW_MAX_CONNECTIONS" default:"16384" min:"1" help:"Connections from callers. Further ones wait to be accepted."`
	MaxBody        Size          `env:"HEDGEROW_MAX_BODY" default:"1MiB" min:"1" max:"1TiB" help:"Largest body of the upstream API, decompressed."`

	MaxBuffered Size `env:"HEDGEROW_MAX_BUFFERED" default:"256MiB" min:"1" max:"1TiB" help:"Bodies of requests and answers that calls through /proxy/ hold at a time, the last quarter for answers alone. Calls beyond are refused with 503."`

	LogSample float64 `env:"HEDGEROW_LOG_SAMPLE" default:"1" min:"0" max:"1" help:"Share of the healthy calls that have a line in the log. All others have one."`

	ShutdownDelay   time.Duration `env:"HEDGEROW_SHUTDOWN_DELAY" default:"0s" min:"0s" help:"When told to stop: time between not ready and not listening any more."`
	ShutdownTimeout time.Duration `env:"HEDGEROW_SHUTDOWN_TIMEOUT" default:"0s" min:"0s" help:"After that: time for the calls in flight. 0s: the largest timeout and 2 s."`

	Log

	// Traces are what OpenTelemetry's own variables say, nil when there are to be none.
	Traces *otel.Traces `kong:"-"`

	TestServerAddr Address       `name:"testserver-addr" env:"HEDGEROW_TESTSERVER_ADDR" default:"127.0.0.1:0" group:"Built-in testing server:" help:"Where it listens. Port 0: a free one."`
	TestingServer  TestingServer `embed:"" prefix:"testserver-" envprefix:"HEDGEROW_TESTSERVER_" group:"Built-in testing server:"`
}

// Check are the settings of the command check.
type Check struct {
	File string `arg:"" help:"The file of APIs."`
}

// TestServer are the settings of the testing server when it runs alone.
type TestServer struct {
	Addr Address `env:"HEDGEROW_TESTSERVER_ADDR" default:":5002" help:"Where the testing server listens."`
	Log
	TestingServer TestingServer `embed:"" envprefix:"HEDGEROW_TESTSERVER_"`
}

// Healthcheck are the settings of the command healthcheck.
type Healthcheck struct {
	Addr Address `env:"HEDGEROW_ADDR" default:":5000" help:"Where the service listens. It is asked there when this flag is given or the admin address is off. Without a host: on this machine."`
	// AdminAddr is nil when it is off, and when --addr is given.
	AdminAddr *Address `env:"HEDGEROW_ADMIN_ADDR" default:"127.0.0.1:5001" help:"Where its probes listen. It is asked there otherwise: callers cannot be in the way. Empty: off."`

	Path    string        `default:"/readyz" help:"What to ask for."`
	Timeout time.Duration `default:"2s" min:"1ms" help:"How long to wait for the answer."`
}

// AfterApply is called by kong. An address on the command line is the one that is meant.
func (h *Healthcheck) AfterApply(parsed *kong.Context) error {
	for _, step := range parsed.Path {
		if step.Flag != nil && !step.Resolved && step.Flag.Target.Addr().Interface() == any(&h.Addr) {
			h.AdminAddr = nil
		}
	}
	return nil
}

// Asked is the address to ask.
func (h *Healthcheck) Asked() Address {
	if h.AdminAddr != nil {
		return *h.AdminAddr
	}
	return h.Addr
}

// Log are the settings of the log, which goes to standard error.
type Log struct {
	LogLevel  slog.Level `env:"HEDGEROW_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat LogFormat  `env:"HEDGEROW_LOG_FORMAT" placeholder:"FORMAT" help:"json or text. Default: text on a terminal, json elsewhere."`
	// Other tools have a DEBUG too: a value of theirs is a warning.
	Debug bool `env:"DEBUG" lenient:"" help:"Debug logs and Gin's debug mode."`
}

// Level is the lowest level that is logged.
func (l *Log) Level() slog.Level {
	if l.Debug {
		return slog.LevelDebug
	}
	return l.LogLevel
}

// TestingServer says how the testing server behaves.
type TestingServer struct {
	Min     time.Duration `type:"milliseconds" env:"MIN" default:"100ms" min:"0s" help:"Shortest time to answer."`
	Max     time.Duration `type:"milliseconds" env:"MAX" default:"600ms" min:"0s" help:"Longest time to answer."`
	Fail    float64       `env:"FAIL" default:"0.1" min:"0" max:"1" help:"Share of requests answered with status 500."`
	Reset   float64       `env:"RESET" default:"0" min:"0" max:"1" help:"Share of requests whose connection is reset."`
	Garbage float64       `env:"GARBAGE" default:"0" min:"0" max:"1" help:"Share of requests answered with something that is not JSON."`
	Hang    float64       `env:"HANG" default:"0" min:"0" max:"1" help:"Share of requests never answered."`
	Seed    uint64        `env:"SEED" default:"0" help:"Seed of its randomness. 0: another one at each start."`
}

// shutdownMargin is what calls in flight get on top of the largest timeout.
const shutdownMargin = 2 * time.Second

// ShutdownTimeoutOrDefault is the time for calls in flight at the end, of which the longest may take longest.
func (s *Serve) ShutdownTimeoutOrDefault(longest time.Duration) time.Duration {
	if s.ShutdownTimeout > 0 {
		return s.ShutdownTimeout
	}
	return longest + shutdownMargin
}

// Hedge says when the hedges of smart go.
func (s *Serve) Hedge() hedge.Settings {
	return hedge.Settings{When: s.HedgeDelay, Min: s.HedgeMin, Max: s.HedgeMax}
}

// rules are what the fields cannot say: those between two settings.
func (s *Serve) rules(p *problems) {
	p.rulef(s.H2C && (s.ExponeaURL == nil || s.ExponeaURL.Scheme != "http"), &s.H2C, &s.ExponeaURL, "is for an http URL in %s", p.name(&s.ExponeaURL))
	p.rulef(s.HedgeMax > 0 && s.HedgeMin > s.HedgeMax, &s.HedgeMin, &s.HedgeMax, "%v is over %s, %v", s.HedgeMin, p.name(&s.HedgeMax), s.HedgeMax)
	p.rulef(s.MaxInFlight < s.Producers, &s.MaxInFlight, &s.Producers, "%d is below %s, %d", s.MaxInFlight, p.name(&s.Producers), s.Producers)
	s.TestingServer.rules(p)
}

func (s *TestServer) rules(p *problems) { s.TestingServer.rules(p) }

func (t *TestingServer) rules(p *problems) {
	const rounding = 1e-9 // decimal fractions that add up to 1 may exceed it in binary
	p.rulef(t.Max < t.Min, &t.Max, &t.Min, "%v is below %s, %v", t.Max, p.name(&t.Min), t.Min)
	sum := t.Fail + t.Reset + t.Garbage + t.Hang
	p.rulef(sum > 1+rounding, &t.Fail, &t.Fail, "together with reset, garbage and hang it is %v, which is over 1", sum)
}
