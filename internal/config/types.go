package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/units"

	"hedgerow/internal/hedge"
	"hedgerow/internal/replicas"
)

// Address is a host, which may be empty, and a port.
type Address struct {
	Host string
	Port uint16
	// Setting is what the address was given by, for errors.
	Setting string
}

func (a *Address) givenBy(setting string) {
	if a != nil {
		a.Setting = setting
	}
}

func (a *Address) String() string { return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port))) }

// Size is a number of bytes.
type Size int64

// LogFormat is the form of a line of the log. Empty: text on a terminal, json elsewhere.
type LogFormat string

// The forms.
const (
	JSON LogFormat = "json"
	Text LogFormat = "text"
)

// Each of these makes a value of a text, or an error that can stand behind the setting's name.

func parseString(text string) (string, error) { return text, nil }

func parseAddress(text string) (Address, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return Address{}, fmt.Errorf("%q is not an address like :5000 or 127.0.0.1:5000", text)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return Address{}, fmt.Errorf("%q has no port from 0 to 65535", text)
	}
	return Address{Host: host, Port: uint16(port)}, nil
}

func parseOptionalAddress(text string) (*Address, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // off
	}
	address, err := parseAddress(text)
	return &address, err
}

func parseOptionalURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // off
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("is not a URL") // the error would show a password in it
	}
	problem := problemOf(u, text)
	switch {
	case problem == "":
		return u, nil
	case u.Opaque != "" || strings.Contains(u.Path, "@"): // it was meant to be user, password and host
		return nil, errors.New(problem)
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if u.RawQuery != "" {
		shown.RawQuery = "..." // which may have a key in it
	}
	return nil, fmt.Errorf("%q %s", shown.String(), problem)
}

func parseRedisURL(text string) (*replicas.URL, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // off
	}
	u, err := replicas.ParseURL(text)
	return &u, err
}

// problemOf is what is wrong with a URL that can be read; text is how it is written. It is empty when all is well.
func problemOf(u *url.URL, text string) string {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither http nor https"
	case u.Hostname() == "":
		return "has no host"
	case u.Port() != "" && !isPort(u.Port()):
		return "has no port from 1 to 65535"
	case u.Fragment != "":
		return "has a fragment, which is never sent"
	case strings.ContainsFunc(text, unicode.IsSpace):
		return "has a space: write it as %20"
	case hasLetters(u.RawQuery) || hasLetters(u.RawPath) && strings.Contains(u.RawPath, "%"):
		return "has letters that have to be percent-encoded" // net/url would send a query as it is, and lose a %2F of the path
	}
	return ""
}

func hasLetters(text string) bool {
	return strings.ContainsFunc(text, func(char rune) bool { return char > unicode.MaxASCII })
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration like 250ms or 1m30s", text)
	}
	return d, nil
}

func parseWhen(text string) (hedge.When, error) {
	if hedge.IsQuantile(text) {
		q, err := hedge.ParseQuantile(text)
		return hedge.When{Quantile: q}, about(text, err)
	}
	d, err := parseDuration(text)
	switch {
	case err != nil:
		return hedge.When{}, fmt.Errorf("%w, or a quantile like p95", err)
	case d < 0:
		return hedge.When{}, fmt.Errorf("%v is below 0s", d)
	}
	return hedge.When{Delay: d}, nil
}

func parseBudget(text string) (hedge.Budget, error) {
	b, err := hedge.ParseBudget(text)
	return b, about(text, err)
}

// about puts the text before an error that says what is wrong with it.
func about(text string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%q %w", text, err)
}

func parseMilliseconds(text string) (time.Duration, error) {
	d, err := parseDuration(text)
	if err == nil && d%time.Millisecond != 0 {
		return 0, fmt.Errorf("%v is not a whole number of milliseconds", d)
	}
	return d, err
}

func parseBool(text string) (bool, error) {
	if text == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", text)
	}
	return b, nil
}

func parseInt(text string) (int, error) {
	i, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return i, nil
}

func parseUint(text string) (uint64, error) {
	u, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number from 0", text)
	}
	return u, nil
}

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}

// binaryUnits are B, KiB, MiB and so on, and none at all.
var binaryUnits = func() map[string]float64 {
	u := maps.Clone(units.MakeUnitMap("iB", "B", 1024))
	u[""] = 1
	return u
}()

func parseSize(text string) (Size, error) {
	n, err := units.ParseUnit(text, binaryUnits)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size like 65536, 64KiB or 1MiB", text)
	}
	return Size(n), nil
}

func parseLevel(text string) (slog.Level, error) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(text, level.String()) {
			return level, nil
		}
	}
	return 0, fmt.Errorf("%q is not debug, info, warn or error", text)
}

func parseFormat(text string) (LogFormat, error) {
	if format := LogFormat(text); slices.Contains([]LogFormat{"", JSON, Text}, format) {
		return format, nil
	}
	return "", fmt.Errorf("%q is neither json nor text", text)
}
