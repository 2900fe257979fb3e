package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// environment is the environment as a map: kong would read the process's own.
type environment map[string]string

func variables(environ []string) environment {
	e := environment{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		e[name] = value
	}
	return e
}

// own keeps kong from reading the environment, and returns the names of the variables that are settings.
func (e environment) own(parser *kong.Kong) map[string]bool {
	known := map[string]bool{}
	_ = kong.Visit(parser.Model.Node, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			for _, name := range flag.Envs {
				known[name] = true
			}
			flag.Tag.Envs = nil
		}
		return next(nil)
	})
	return known
}

// resolve gives kong the variable of a flag that the command has.
func (e environment) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if value, ok := e[name]; ok {
			return value, nil
		}
	}
	return nil, nil //nolint:nilnil // kong's way to say that there is none
}

// helpOf is a setting's help, with its variable.
func helpOf(v *kong.Value) string {
	if v.Flag == nil || len(v.Flag.Envs) == 0 {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " ($" + v.Flag.Envs[0] + ")."
}

// serviceLink matches the variables that Kubernetes adds for a Service whose name begins with hedgerow.
var serviceLink = regexp.MustCompile(`_SERVICE_(HOST|PORT)|_PORT(_|$)`)

// unknown are the variables of our prefix that no command knows: most likely misspelt.
func (e environment) unknown(known map[string]bool) []string {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if strings.HasPrefix(name, "HEDGEROW_") && !known[name] && !serviceLink.MatchString(name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// The testing server was called upstream once. Its old names go on working.
const (
	oldCommand, newCommand   = "upstream", "testserver"
	oldFlag, newFlag         = "--upstream-", "--testserver-"
	oldVariable, newVariable = "HEDGEROW_UPSTREAM_", "HEDGEROW_TESTSERVER_"
)

// renamed replaces old names by new ones in args and in e, and returns the new arguments with a warning for each old name. A variable
// that is set by its new name too keeps that value.
func renamed(args []string, e environment) (current, warnings []string) {
	warn := func(old, now string) { warnings = append(warnings, printable(old+" is now called "+now)) }
	current = slices.Clone(args)
	for i, arg := range args {
		if i == 0 && arg == oldCommand {
			current[i] = newCommand
			warn("the command "+oldCommand, newCommand)
		}
		if rest, ok := strings.CutPrefix(arg, oldFlag); ok {
			current[i] = newFlag + rest
			name, _, _ := strings.Cut(rest, "=")
			warn(oldFlag+name, newFlag+name)
		}
	}
	for _, old := range slices.Sorted(maps.Keys(e)) {
		rest, ok := strings.CutPrefix(old, oldVariable)
		if !ok {
			continue
		}
		now, value := newVariable+rest, e[old]
		delete(e, old)
		if value == "" {
			continue
		}
		warn(old, now)
		if e[now] == "" {
			e[now] = value
		}
	}
	return current, warnings
}
