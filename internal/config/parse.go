package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

const description = "Hedgerow stands in front of a slow, unreliable HTTP API and always answers in the time the caller gives it."

// Parse makes a command with its settings of the command line and the environment (lines NAME=value). The warnings are for the
// command's log. The error has one readable line for each problem.
func Parse(args, environ []string) (command Command, warnings []string, err error) {
	var c commandLine
	var help bytes.Buffer
	helped := false
	environment := variables(environ)
	p := &problems{}
	parser, err := kong.New(&c,
		kong.Name("hedgerow"), kong.Description(description), kong.Writers(&help, &help),
		kong.Exit(func(int) { helped = true }), // kong exits for --help alone
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.ValueFormatter(helpOf),
		kong.Resolvers(kong.ResolverFunc(environment.resolve)),
		reads(p, parseString), reads(p, parseBool), reads(p, parseLevel), reads(p, parseFormat),
		reads(p, parseAddress), reads(p, parseOptionalAddress), reads(p, parseOptionalURL), reads(p, parseRedisURL), reads(p, parseWhen), reads(p, parseBudget),
		readsOrdered(p, parseInt), readsOrdered(p, parseUint), readsOrdered(p, parseFloat), readsOrdered(p, parseSize),
		readsOrdered(p, parseDuration), kong.NamedMapper("milliseconds", mapper[time.Duration]{p, parseMilliseconds, cmp.Compare[time.Duration]}),
	)
	if err != nil {
		return nil, nil, err
	}
	p.flags = flagsOf(parser)
	args = environment.rename(args, p.flags)
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return Help(help.String()), nil, nil
	case err != nil:
		return nil, nil, errors.Join(errors.New(printable(err.Error())), p.err())
	case c.AskVersion, parsed.Selected().Name == "version":
		return &c.Version, nil, nil
	}
	p.refuseRepeated(parsed)
	p.refuseUnknown(environment)
	if parsed.Selected().Target.Addr().Interface() == any(&c.Serve) {
		c.Serve.Traces = environment.traces(p)
	}
	command, _ = reflect.TypeAssert[Command](parsed.Selected().Target.Addr())
	if c, ok := command.(interface{ rules(p *problems) }); ok {
		c.rules(p)
	}
	return command, environment.warnings, p.err()
}

// helpOf is a setting's help, with its variable.
func helpOf(v *kong.Value) string {
	if v.Flag == nil || len(v.Flag.Envs) == 0 {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " ($" + v.Flag.Envs[0] + ")."
}

// mapper reads a value by parse and keeps it within the bounds at its field. A bad one becomes a problem, so that kong goes on and finds
// the others too. An empty value stands for the default, and turns off what is optional (a pointer).
type mapper[T any] struct {
	problems *problems
	parse    func(string) (T, error)
	compare  func(a, b T) int
}

func reads[T any](p *problems, parse func(string) (T, error)) kong.Option {
	return kong.TypeMapper(reflect.TypeFor[T](), mapper[T]{p, parse, nil})
}

func readsOrdered[T cmp.Ordered](p *problems, parse func(string) (T, error)) kong.Option {
	return kong.TypeMapper(reflect.TypeFor[T](), mapper[T]{p, parse, cmp.Compare[T]})
}

// IsBool lets a flag of a bool stand without a value.
func (m mapper[T]) IsBool() bool { return reflect.TypeFor[T]().Kind() == reflect.Bool }

// Decode is kong's.
func (m mapper[T]) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	if m.IsBool() && ctx.Scan.Peek().Type != kong.FlagValueToken {
		target.SetBool(true)
		return nil
	}
	var text string
	if err := ctx.Scan.PopValueInto("value", &text); err != nil {
		return err
	}
	if text == "" && target.Kind() != reflect.Pointer {
		text = ctx.Value.Default
	}
	value, err := m.parse(text)
	if err == nil {
		err = m.bounded(value, ctx.Value.Tag)
	}
	if err != nil {
		m.problems.add(settingName(ctx.Value.Flag), err.Error())
		return nil
	}
	for _, v := range []any{value, &value} {
		if v, ok := v.(interface{ givenBy(setting string) }); ok {
			v.givenBy(settingName(ctx.Value.Flag))
		}
	}
	target.Set(reflect.ValueOf(value))
	return nil
}

func (m mapper[T]) bounded(value T, tag *kong.Tag) error {
	for _, bound := range []struct {
		tag, word string
		sign      int
	}{{"min", "below", -1}, {"max", "over", 1}} {
		if !tag.Has(bound.tag) {
			continue
		}
		limit, err := m.parse(tag.Get(bound.tag))
		if err != nil {
			return err
		}
		if m.compare(value, limit) == bound.sign {
			return fmt.Errorf("%v is %s %v", value, bound.word, limit)
		}
	}
	return nil
}
