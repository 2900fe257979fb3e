package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"

	"hedgerow/internal/config/otel"
)

// environment is the environment as a map: kong would read the process's own.
type environment struct {
	values   map[string]string
	warnings []string
}

func variables(environ []string) *environment {
	e := &environment{values: map[string]string{}}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		e.values[name] = value
	}
	return e
}

func (e *environment) warnf(format string, args ...any) {
	e.warnings = append(e.warnings, printable(fmt.Sprintf(format, args...)))
}

// flagsOf are the flags of all commands. It keeps kong from reading their variables.
func flagsOf(parser *kong.Kong) (flags []*kong.Flag) {
	_ = kong.Visit(parser.Model.Node, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			flag.Tag.Envs = nil
			flags = append(flags, flag)
		}
		return next(nil)
	})
	return flags
}

// resolve gives kong the variable of a flag that the command has.
func (e *environment) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		value, ok := e.values[name]
		if _, err := parseBool(value); err != nil && flag.Tag.Has("lenient") {
			e.warnf("%s: %v: it is ignored", name, err)
		} else if ok {
			return value, nil
		}
	}
	return nil, nil //nolint:nilnil // kong's way to say: no value
}

// Variables of our prefixes that are not settings: those that Kubernetes adds for a Service whose name begins with hedgerow or exponea,
// and those of docker-compose.yml.
var (
	serviceLink = regexp.MustCompile(`_SERVICE_(HOST|PORT)|_PORT(_|$)`)
	composeOnly = []string{"HEDGEROW_IMAGE", "HEDGEROW_PORT", "HEDGEROW_ADMIN_PORT", "HEDGEROW_PROXY_PORT"}
)

func (e *environment) unknown(flags []*kong.Flag) (unknown []string) {
	for _, name := range slices.Sorted(maps.Keys(e.values)) {
		ours := strings.HasPrefix(name, "HEDGEROW_") || strings.HasPrefix(name, "EXPONEA_")
		if ours && !isSetting(name, flags) && !serviceLink.MatchString(name) && !slices.Contains(composeOnly, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func isSetting(name string, flags []*kong.Flag) bool {
	return slices.ContainsFunc(flags, func(flag *kong.Flag) bool { return slices.Contains(flag.Envs, name) })
}

// closest is the setting whose name is most like name, "" when none is like it.
func closest(name string, flags []*kong.Flag) (variable string) {
	best := 4 // slips at which a name is another name
	for _, flag := range flags {
		for _, candidate := range flag.Envs {
			if distance := levenshtein.ComputeDistance(name, candidate); distance < best {
				best, variable = distance, candidate
			}
		}
	}
	return variable
}

// traces reads OpenTelemetry's variables.
func (e *environment) traces(p *problems) *otel.Traces {
	traces, found := otel.Parse(e.values)
	for _, problem := range found {
		if problem.Fatal {
			p.add(problem.Variable, problem.Text)
		} else {
			e.warnf("%s: %s", problem.Variable, problem.Text)
		}
	}
	return traces
}

// The testing server was called upstream once. Its old names go on working.
const (
	oldCommand, newCommand   = "upstream", "testserver"
	oldFlag, newFlag         = "--upstream-", "--testserver-"
	oldVariable, newVariable = "HEDGEROW_UPSTREAM_", "HEDGEROW_TESTSERVER_"
)

// rename replaces old names by new ones in args, which it returns, and in the environment. Each is a warning. What is set by its new
// name too keeps that value.
func (e *environment) rename(args []string, flags []*kong.Flag) (current []string) {
	given := func(flag string) bool {
		return slices.ContainsFunc(args, func(arg string) bool { return arg == flag || strings.HasPrefix(arg, flag+"=") })
	}
	for i := 0; i < len(args); i++ {
		rest, isOld := strings.CutPrefix(args[i], oldFlag)
		switch name, _, hasValue := strings.Cut(rest, "="); {
		case i == 0 && args[i] == oldCommand:
			current = append(current, newCommand)
			e.warnf("the command %s is now called %s", oldCommand, newCommand)
		case !isOld:
			current = append(current, args[i])
		default:
			e.warnf("%s is now called %s", oldFlag+name, newFlag+name)
			if !given(newFlag + name) {
				current = append(current, newFlag+rest)
			} else if !hasValue {
				i++ // the value goes with it
			}
		}
	}
	for _, old := range slices.Sorted(maps.Keys(e.values)) {
		rest, isOld := strings.CutPrefix(old, oldVariable)
		now := newVariable + rest
		if !isOld || !isSetting(now, flags) {
			continue
		}
		if value := e.values[old]; value != "" {
			e.warnf("%s is now called %s", old, now)
			if e.values[now] == "" {
				e.values[now] = value
			}
		}
		delete(e.values, old)
	}
	return current
}
