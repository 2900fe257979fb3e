// Command imports draws which package of Hedgerow imports which, between two comments of a Markdown file:
//
//	go run ./imports ../../CONTRIBUTING.md
//
// It fails when an import goes up, and when a package stands on no floor.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"hedgerow/test/e2e/harness"
)

// floors are the packages from top to bottom. A package imports only from the floors below its own.
var floors = [][]string{
	{"cmd/healthcheck", "cmd/hedgerow"},
	{"internal/http"},
	{"internal/config", "internal/console", "internal/gateway", "internal/listen", "internal/traces"},
	{"internal/config/file", "internal/live", "internal/logs", "internal/metrics", "internal/upstream"},
	{"internal/config/otel", "internal/hedge", "internal/replicas"},
	{"internal/fanout", "internal/forward", "internal/probe", "internal/quota", "internal/rule", "internal/testserver", "internal/upstream/transport"},
	{"docs"},
}

// Between these comments stands the drawing.
const begin, end = "<!-- imports -->\n", "<!-- /imports -->"

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns the exit code.
func run(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: imports MARKDOWN-FILE")
		return 2
	}
	if err := redraw(args[0]); err != nil {
		fmt.Fprintln(stderr, "imports:", err)
		return 1
	}
	return 0
}

func redraw(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	imports, err := list()
	if err != nil {
		return err
	}
	if err := errors.Join(upward(imports)...); err != nil {
		return err
	}
	before, _, after, err := drawn(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(before+begin+draw(imports)+end+after), 0o644)
}

// list returns what each package of the product imports of the product, without its tests.
func list() (map[string][]string, error) {
	command := exec.Command("go", "list", "-json=ImportPath,Imports", "./cmd/...", "./internal/...", "./docs")
	command.Dir = harness.Root()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &stderr)
	}
	imports := map[string][]string{}
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(p.ImportPath, "hedgerow/")
		imports[name] = nil
		for _, imported := range p.Imports {
			if of, ours := strings.CutPrefix(imported, "hedgerow/"); ours {
				imports[name] = append(imports[name], of)
			}
		}
	}
	return imports, nil
}

// floor counts from the top, 0. It is -1 for a package that stands on none.
func floor(name string) int {
	return slices.IndexFunc(floors, func(names []string) bool { return slices.Contains(names, name) })
}

// upward returns an error for each import that goes up or stays on its floor, and for each package that stands on none.
func upward(imports map[string][]string) []error {
	var problems []error
	for _, name := range sorted(imports) {
		if floor(name) < 0 {
			problems = append(problems, fmt.Errorf("%s stands on no floor: add it to the floors in test/e2e/imports/main.go", name))
			continue
		}
		for _, imported := range imports[name] {
			if below := floor(imported); below >= 0 && below <= floor(name) {
				problems = append(problems, fmt.Errorf("%s imports %s, which does not stand below it", name, imported))
			}
		}
	}
	return problems
}

// sorted returns the packages from the top floor to the lowest.
func sorted(imports map[string][]string) []string {
	var names []string
	for name := range imports {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if byFloor := floor(a) - floor(b); byFloor != 0 {
			return byFloor
		}
		return strings.Compare(a, b)
	})
	return names
}

// draw returns a line for each package: every arrow points to a line further down.
func draw(imports map[string][]string) string {
	width := 0
	for name := range imports {
		width = max(width, len(name))
	}
	var drawing strings.Builder
	drawing.WriteString("```\n")
	for _, name := range sorted(imports) {
		line := fmt.Sprintf("%-*s -> %s", width, name, strings.Join(imports[name], " "))
		drawing.WriteString(strings.TrimRight(strings.TrimSuffix(line, "-> "), " ") + "\n")
	}
	drawing.WriteString("```\n")
	return drawing.String()
}

// drawn returns the drawing in text, which stands between before and after.
func drawn(text string) (before, drawing, after string, err error) {
	before, rest, begun := strings.Cut(text, begin)
	drawing, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return "", "", "", fmt.Errorf("the comments %q and %q are missing", strings.TrimSpace(begin), end)
	}
	return before, drawing, after, nil
}
