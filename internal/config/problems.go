package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// problems collects what is wrong with the settings: of each setting the first thing.
type problems struct {
	flags    []*kong.Flag // of all commands
	settings []string
	lines    []string
}

func (p *problems) add(setting, problem string) {
	if !slices.Contains(p.settings, setting) {
		p.settings = append(p.settings, setting)
		p.lines = append(p.lines, printable(setting+": "+problem))
	}
}

// rulef adds a problem of setting when it is broken. It does not hold when setting or other could not be read; both are pointers to
// fields.
func (p *problems) rulef(broken bool, setting, other any, format string, args ...any) {
	if broken && !slices.Contains(p.settings, p.name(setting)) && !slices.Contains(p.settings, p.name(other)) {
		p.add(p.name(setting), fmt.Sprintf(format, args...))
	}
}

func (p *problems) err() error {
	if len(p.lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(p.lines, "\n"))
}

// name is how messages call the setting of a field, to which it takes a pointer.
func (p *problems) name(field any) string {
	for _, flag := range p.flags {
		if flag.Target.CanAddr() && flag.Target.Addr().Interface() == field {
			return settingName(flag)
		}
	}
	return ""
}

// settingName is a flag with its variable.
func settingName(flag *kong.Flag) string {
	name := "--" + flag.Name
	if len(flag.Envs) > 0 {
		name += " (" + flag.Envs[0] + ")"
	}
	return name
}

// refuseRepeated refuses flags that were given twice: one of the two is not meant.
func (p *problems) refuseRepeated(parsed *kong.Context) {
	given := map[*kong.Flag]bool{}
	for _, step := range parsed.Path {
		if step.Flag == nil || step.Resolved {
			continue
		}
		if given[step.Flag] {
			p.add(settingName(step.Flag), "is given more than once")
		}
		given[step.Flag] = true
	}
}

// refuseUnknown refuses variables of our prefixes that no command knows: most likely they are misspelt.
func (p *problems) refuseUnknown(e *environment) {
	for _, name := range e.unknown(p.flags) {
		problem := "is not a setting"
		if known := closest(name, p.flags); known != "" {
			problem += ", did you mean " + known + "?"
		}
		p.add(name, problem)
	}
}

// printable makes one line of text that may have anything of a command line or an environment in it.
func printable(text string) string {
	return strings.Map(func(char rune) rune {
		if unicode.IsPrint(char) {
			return char
		}
		return unicode.ReplacementChar
	}, text)
}
