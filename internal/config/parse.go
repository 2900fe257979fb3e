package config

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alecthomas/kong"
)

// ErrHelp says that the help was asked for and has been printed.
var ErrHelp = errors.New("help was printed")

const description = "Hedgerow stands in front of a slow, unreliable HTTP API and always answers in the time the caller gives it."

// Parse reads the command line and the environment (lines NAME=value) and checks the settings of the command. It returns the command's name with
// them. The error is ErrHelp, or has one readable line for each problem.
func Parse(args, environ []string, stdout io.Writer) (command string, c CommandLine, err error) {
	var p problems
	environment := variables(environ)
	args, warnings := renamed(args, environment)
	parser, err := kong.New(&c,
		kong.Name("hedgerow"),
		kong.Description(description),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { panic(ErrHelp) }), // the flag --help is the only one to exit
		kong.Resolvers(kong.ResolverFunc(environment.resolve)),
		kong.ValueFormatter(helpOf),
		kong.TypeMapper(reflect.TypeFor[string](), mapper(&p, parseString)),
		kong.NamedMapper("mayempty", kong.MapperFunc(popString)),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), mapper(&p, parseDuration)),
		kong.TypeMapper(reflect.TypeFor[Size](), mapper(&p, parseSize)),
		kong.TypeMapper(reflect.TypeFor[int](), mapper(&p, parseInt)),
		kong.TypeMapper(reflect.TypeFor[uint64](), mapper(&p, parseUint)),
		kong.TypeMapper(reflect.TypeFor[float64](), mapper(&p, parseFloat)),
		kong.TypeMapper(reflect.TypeFor[bool](), boolMapper{mapper(&p, parseBool)}),
	)
	if err != nil {
		return "", c, err
	}
	known := environment.own(parser)
	defer func() {
		if recovered := recover(); recovered != nil {
			if recovered != ErrHelp { //nolint:errorlint // the very value that Exit panics with
				panic(recovered)
			}
			err = ErrHelp
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		return "", c, errors.Join(errors.New(printable(err.Error())), p.err())
	}
	for _, name := range environment.unknown(known) {
		p.add(name, "unknown setting")
	}
	command = strings.Fields(parsed.Command() + " serve")[0]
	c.Warnings = warnings
	c.check(command, &p)
	return command, c, p.err()
}

// problems collects what is wrong with the settings, the first thing of each: a value that could not be read is not checked too.
type problems struct {
	settings []string
	lines    []string
}

func (p *problems) add(setting, problem string) {
	if !slices.Contains(p.settings, setting) {
		p.settings = append(p.settings, setting)
		p.lines = append(p.lines, printable(setting+": "+problem))
	}
}

func (p *problems) err() error {
	if len(p.lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(p.lines, "\n"))
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

// mapper reads a value by parse and makes a bad one a problem, so that kong goes on and finds the others too. An empty value
// stands for the default.
func mapper[T any](p *problems, parse func(string) (T, error)) kong.Mapper {
	return kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		if text == "" {
			text = ctx.Value.Default
		}
		value, err := parse(text)
		if err != nil {
			if !ctx.Value.Active {
				return nil // a flag of another command
			}
			p.add(settingName(ctx.Value), fmt.Sprintf("%q is %v", text, err))
			return nil
		}
		target.Set(reflect.ValueOf(value))
		return nil
	})
}

// boolMapper lets a flag without a value be true.
type boolMapper struct{ kong.Mapper }

func (boolMapper) IsBool() bool { return true }

func (m boolMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		target.SetBool(true)
		return nil
	}
	return m.Mapper.Decode(ctx, target)
}

// settingName is how messages call a setting: by its flag and its variable.
func settingName(v *kong.Value) string {
	name := "--" + v.Name
	if v.Flag != nil && len(v.Flag.Envs) > 0 {
		name += " (" + v.Flag.Envs[0] + ")"
	}
	return name
}

var (
	errNoDuration = errors.New("no duration like 250ms or 1m30s")
	errNoInt      = errors.New("no whole number")
	errNoBool     = errors.New("neither true nor false")
	errNoNumber   = errors.New("no number")
	errNoSize     = errors.New("no size like 65536, 64KiB or 1MiB")
)

func parseString(text string) (string, error) { return text, nil }

// popString takes a value as it is, for the settings of which the empty one means something.
func popString(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	err := ctx.Scan.PopValueInto("value", &text)
	target.SetString(text)
	return err
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errNoDuration
	}
	return d, nil
}

func parseBool(text string) (bool, error) {
	if text == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, errNoBool
	}
	return b, nil
}

func parseInt(text string) (int, error) {
	i, err := strconv.Atoi(text)
	if err != nil {
		return 0, errNoInt
	}
	return i, nil
}

func parseUint(text string) (uint64, error) {
	u, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, errNoInt
	}
	return u, nil
}

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errNoNumber
	}
	return f, nil
}

// Size is a number of bytes, written plain or with KiB, MiB or GiB.
type Size int64

func parseSize(text string) (Size, error) {
	number, shift := text, 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			number, shift = digits, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(number, 10, 32) // at most 2 GiB, or as many of the unit
	if err != nil {
		return 0, errNoSize
	}
	return Size(n) << shift, nil
}
