package file

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hedgerow/internal/hedge"
)

// decoder turns the tree of the file into what it means, and collects the problems.
type decoder struct {
	*Reader
	*Problems

	lines []string // of the file
}

// problem tells what is wrong with a value.
func (d *decoder) problem(n node, text string) {
	if n.name != "" {
		text = n.name + ": " + text
	}
	d.addf(n.at, "%s", text)
}

// is says whether a value is of a kind, and tells what is expected when it is not.
func (d *decoder) is(n node, want kind, expected string) bool {
	if n.kind != want && n.kind != broken {
		d.problem(n, fmt.Sprintf("is %v: expected %s", n.kind, expected))
	}
	return n.kind == want
}

// setter reads a value into a field of what it is a part of.
type setter[T any] func(d *decoder, n node, into *T)

// keys are those of a map and what their values mean.
type keys[T any] map[string]setter[T]

func (k keys[T]) names() []string { return slices.Sorted(maps.Keys(k)) }

// read reads a map with these keys.
func (k keys[T]) read(d *decoder, n node, into *T) {
	if !d.is(n, mapping, "a map of "+allOf(k.names())) {
		return
	}
	for _, e := range n.entries {
		set, known := k[e.key]
		if !known {
			d.addf(e.at, "unknown key %s: %s", quote(e.key), expectedKey(e.key, k.names()))
			continue
		}
		set(d, e.value, into)
	}
}

// without is a map without the keys that belong elsewhere, which are told.
func (d *decoder) without(n node, elsewhere keys[draft], unless keys[draft], problem string) node {
	n.entries = slices.DeleteFunc(slices.Clone(n.entries), func(e entry) bool {
		_, known := elsewhere[e.key]
		_, belongs := unless[e.key]
		if known && !belongs {
			d.addf(e.at, "%s %s", quote(e.key), problem)
		}
		return known && !belongs
	})
	return n
}

// within are the keys of a part of something.
func within[T, V any](k keys[V], field func(*T) *V) setter[T] {
	return func(d *decoder, n node, into *T) { k.read(d, n, field(into)) }
}

// value reads a single value by a parser, whose error says what is wrong with it and what is expected.
func value[T, V any](field func(*T) *V, parse func(text string) (V, error)) setter[T] {
	return func(d *decoder, n node, into *T) {
		if v, ok := single(d, n, parse); ok {
			*field(into) = v
		}
	}
}

func single[V any](d *decoder, n node, parse func(text string) (V, error)) (V, bool) {
	var zero V
	if !d.is(n, scalar, "a single value") {
		return zero, false
	}
	v, err := parse(n.text.Value())
	if err != nil {
		d.problem(n, quote(n.text.String())+" "+err.Error())
		return zero, false
	}
	return v, true
}

// values reads a list of single values, each at most once. Its parser is that of one of them.
func values[T, V any](field func(*T) *[]V, example string, parse func(text string) (V, error)) setter[T] {
	return func(d *decoder, n node, into *T) {
		if !d.is(n, list, "a list, such as "+example) {
			return
		}
		read := []V{} // an empty list stands for none, and not for the default
		seen := map[string]bool{}
		for _, item := range n.items {
			if item.text.Secret() {
				d.problem(item, quote(item.text.String())+" would show: expected a word without a secret in it")
				continue
			}
			v, ok := single(d, item, parse)
			if ok && seen[fmt.Sprint(v)] {
				d.problem(item, quote(item.text.String())+" is here a second time")
			}
			if ok && !seen[fmt.Sprint(v)] {
				seen[fmt.Sprint(v)] = true
				read = append(read, v)
			}
		}
		*field(into) = read
	}
}

const maxTimeout = 24 * time.Hour

// milliseconds parses what callers choose in milliseconds.
func milliseconds(text string) (time.Duration, error) {
	t, err := duration(text)
	switch {
	case err != nil:
		return 0, err
	case t < time.Millisecond || t > maxTimeout || t%time.Millisecond != 0:
		return 0, errors.New("is not between 1ms and 24h in whole milliseconds")
	}
	return t, nil
}

func duration(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
		return 0, errors.New("has no unit: expected a duration like 250ms or 1m30s")
	}
	t, err := time.ParseDuration(text)
	if err != nil || t < 0 {
		return 0, errors.New("is not a duration: expected one like 250ms or 1m30s")
	}
	return t, nil
}

// when parses how long to wait for an attempt.
func when(text string) (hedge.When, error) {
	if hedge.IsQuantile(text) {
		q, err := hedge.ParseQuantile(text)
		return hedge.When{Quantile: q}, err
	}
	t, err := duration(text)
	switch {
	case err != nil:
		return hedge.When{}, fmt.Errorf("%w, or a quantile like p95", err)
	case t > maxTimeout:
		return hedge.When{}, errors.New("is over 24h")
	}
	return hedge.When{Delay: t}, nil
}

// bound parses one of a quantile's bounds.
func bound(text string) (time.Duration, error) {
	t, err := duration(text)
	if err == nil && (t < time.Microsecond || t > maxTimeout) {
		return 0, errors.New("is not between 1us and 24h")
	}
	return t, err
}

const maxSize = 1 << 30

// size parses a number of bytes.
func size(text string) (int64, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, errors.New("has no unit: expected a size like 512B, 64KiB, 1MiB or 1GiB")
	}
	for i, unit := range []string{"KiB", "MiB", "GiB", "B"} {
		number, ok := strings.CutSuffix(text, unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 31)
		bytes := int64(n) << (10 * ((i + 1) % 4))
		if err == nil && (bytes < 1 || bytes > maxSize) {
			return 0, errors.New("is not between 1B and 1GiB")
		}
		if err == nil {
			return bytes, nil
		}
	}
	return 0, errors.New("is not a size: expected one like 512B, 64KiB, 1MiB or 1GiB")
}

func boolean(text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("is not a choice: expected true or false")
}

// number parses a whole number from 1 to the largest.
func number(largest int) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil || n < 1 || n > uint64(largest) { //nolint:gosec // it is positive
			return 0, fmt.Errorf("is not a whole number from 1 to %d", largest)
		}
		return int(n), nil
	}
}

// choice parses one of some words.
func choice[V ~string](words ...V) func(string) (V, error) {
	return func(text string) (V, error) {
		if slices.Contains(words, V(text)) {
			return V(text), nil
		}
		names := make([]string, len(words))
		for i, word := range words {
			names[i] = string(word)
		}
		return "", errors.New("is not known: expected " + oneOf(names))
	}
}
