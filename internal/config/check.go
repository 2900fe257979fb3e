package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxProducers keeps a slip of the finger from becoming an attack on the upstream API.
const maxProducers = 100

// maxMaxTimeout keeps the margins that are added to the largest timeout from overflowing.
const maxMaxTimeout = 24 * time.Hour

// check adds the problems of a command's settings to p.
func (c *CommandLine) check(command string, p *problems) {
	switch command {
	case "serve":
		c.Serve.check(p)
	case "testserver":
		c.TestServer.check(p)
	case "healthcheck":
		checkAddr(p, "--addr (HEDGEROW_ADDR)", c.Healthcheck.Addr)
		checkAtLeast(p, "--timeout", c.Healthcheck.Timeout, time.Millisecond)
	}
}

func (s *Serve) check(p *problems) {
	if s.ExponeaURL != "" {
		checkURL(p, "--exponea-url (EXPONEA_URL)", s.ExponeaURL)
	}
	if s.H2C && !strings.HasPrefix(s.ExponeaURL, "http:") {
		p.add("--h2c (HEDGEROW_H2C)", "is for an EXPONEA_URL of the scheme http")
	}
	checkAddr(p, "--addr (HEDGEROW_ADDR)", s.Addr)
	if s.AdminAddr != "" {
		checkAddr(p, "--admin-addr (HEDGEROW_ADMIN_ADDR)", s.AdminAddr)
	}
	checkAtLeast(p, "--producers (HEDGEROW_PRODUCERS)", s.Producers, 1)
	if s.Producers > maxProducers {
		p.add("--producers (HEDGEROW_PRODUCERS)", fmt.Sprintf("%d is over %d", s.Producers, maxProducers))
	}
	checkAtLeast(p, "--hedge-delay (HEDGEROW_HEDGE_DELAY)", s.HedgeDelay, 0)
	checkAtLeast(p, "--max-timeout (HEDGEROW_MAX_TIMEOUT)", s.MaxTimeout, time.Millisecond)
	if s.MaxTimeout > maxMaxTimeout {
		p.add("--max-timeout (HEDGEROW_MAX_TIMEOUT)", fmt.Sprintf("%v is over %v", s.MaxTimeout, maxMaxTimeout))
	}
	checkMilliseconds(p, "--max-timeout (HEDGEROW_MAX_TIMEOUT)", s.MaxTimeout)
	checkAtLeast(p, "--loser-grace (HEDGEROW_LOSER_GRACE)", s.LoserGrace, 0)
	checkAtLeast(p, "--max-in-flight (HEDGEROW_MAX_IN_FLIGHT)", s.MaxInFlight, max(s.Producers, 1))
	checkAtLeast(p, "--max-connections (HEDGEROW_MAX_CONNECTIONS)", s.MaxConnections, 1)
	checkAtLeast(p, "--max-body (HEDGEROW_MAX_BODY)", s.MaxBody, 1)
	checkAtLeast(p, "--shutdown-delay (HEDGEROW_SHUTDOWN_DELAY)", s.ShutdownDelay, 0)
	checkAtLeast(p, "--shutdown-timeout (HEDGEROW_SHUTDOWN_TIMEOUT)", s.ShutdownTimeout, 0)
	s.Log.check(p)
	s.TestingServer.check(p, "--testserver-")
}

func (s *TestServer) check(p *problems) {
	checkAddr(p, "--addr (HEDGEROW_TESTSERVER_ADDR)", s.Addr)
	s.Log.check(p)
	s.TestingServer.check(p, "--")
}

func (l *Log) check(p *problems) {
	checkOneOf(p, "--log-level (HEDGEROW_LOG_LEVEL)", l.LogLevel, "debug", "info", "warn", "error")
	checkOneOf(p, "--log-format (HEDGEROW_LOG_FORMAT)", l.LogFormat, "", "json", "text")
}

func (t *TestingServer) check(p *problems, prefix string) {
	checkAtLeast(p, prefix+"min (HEDGEROW_TESTSERVER_MIN)", t.Min, 0)
	checkAtLeast(p, prefix+"max (HEDGEROW_TESTSERVER_MAX)", t.Max, t.Min)
	checkMilliseconds(p, prefix+"min (HEDGEROW_TESTSERVER_MIN)", t.Min)
	checkMilliseconds(p, prefix+"max (HEDGEROW_TESTSERVER_MAX)", t.Max)
	const rounding = 1e-9 // decimal fractions that add up to 1 may exceed it in binary
	sum := 0.0
	for _, share := range []struct {
		name  string
		value float64
	}{{"fail", t.Fail}, {"reset", t.Reset}, {"garbage", t.Garbage}, {"hang", t.Hang}} {
		if !(share.value >= 0 && share.value <= 1) {
			p.add(prefix+share.name, fmt.Sprintf("%v is not between 0 and 1", share.value))
			return
		}
		sum += share.value
	}
	if sum > 1+rounding {
		p.add(prefix+"fail, -reset, -garbage and -hang", fmt.Sprintf("together %v, over 1", sum))
	}
}

func checkAtLeast[T int | Size | time.Duration](p *problems, setting string, value, minimum T) {
	if value < minimum {
		p.add(setting, fmt.Sprintf("%v is below %v", value, minimum))
	}
}

func checkMilliseconds(p *problems, setting string, value time.Duration) {
	if value%time.Millisecond != 0 {
		p.add(setting, fmt.Sprintf("%v is no whole number of milliseconds", value))
	}
}

func checkOneOf(p *problems, setting, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		p.add(setting, fmt.Sprintf("%q is none of %q", value, allowed))
	}
}

func checkAddr(p *problems, setting, addr string) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		p.add(setting, fmt.Sprintf("%q is no address like :5000 or 127.0.0.1:5000", addr))
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		p.add(setting, fmt.Sprintf("%q has no port from 0 to 65535", addr))
	}
}

func checkURL(p *problems, setting, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		p.add(setting, "no URL") // the error would show a password in it
	case u.Scheme != "http" && u.Scheme != "https":
		p.add(setting, fmt.Sprintf("%q is neither http nor https", u.Redacted()))
	case u.Hostname() == "":
		p.add(setting, fmt.Sprintf("%q has no host", u.Redacted()))
	case u.Port() != "" && !validPort(u.Port()):
		p.add(setting, fmt.Sprintf("%q has no port from 1 to 65535", u.Redacted()))
	case u.Fragment != "":
		p.add(setting, fmt.Sprintf("%q has a fragment, which is never sent", u.Redacted()))
	}
}

func validPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}
