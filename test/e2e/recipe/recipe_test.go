// Package recipe follows CONTRIBUTING.md's recipe for a fifth strategy in a copy of the tree. It needs git and make.
package recipe

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestWithTheRecipeForAFifthStrategyAllTestsPass(t *testing.T) {
	tree := copyOf(t, harness.Root())
	steps := recipe(t)
	require.NotEmpty(t, steps)
	for _, s := range steps {
		s.follow(t, tree)
	}
	run(t, tree, "make", "generate")
	run(t, tree, "go", "test", "./...")
	run(t, filepath.Join(tree, "test", "e2e"), "go", "test", "./contract/...", "./openapi3/...", "./postman/collection/...")
}

// copyOf copies what git knows of a tree, as it is in the working tree, and returns where the copy is.
func copyOf(t *testing.T, root string) string {
	t.Helper()
	tree := t.TempDir()
	files := strings.TrimRight(run(t, root, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00")
	for file := range strings.SplitSeq(files, "\x00") {
		source, err := os.ReadFile(filepath.Join(root, file))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		require.NoError(t, err)
		target := filepath.Join(tree, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(target), 0o700))
		require.NoError(t, os.WriteFile(target, source, 0o600))
	}
	return tree
}

// step is one block of code of the recipe, and what to do with it.
type step struct {
	verb string // Create, Append or Add
	file string
	mark string // Add: the block goes below the first line that has this text
	code string
}

var (
	section = regexp.MustCompile(`(?ms)^## A fifth strategy\n(.*?)^## `)
	// block is a block of code with the sentence right before it, which names its file.
	block = regexp.MustCompile("(?ms)^(Create|Append|Add)([^\n]*(?:\n[^\n]+)*):\n\n```go\n(.*?)```$")
	span  = regexp.MustCompile("`([^`]+)`")
	path  = regexp.MustCompile(`^[\w/.-]+\.go$`)
)

func recipe(t *testing.T) []step {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(harness.Root(), "CONTRIBUTING.md"))
	require.NoError(t, err)
	text := section.FindSubmatch(page)
	require.NotNil(t, text, "CONTRIBUTING.md has a section `A fifth strategy`")
	require.Len(t, block.FindAll(text[1], -1), strings.Count(string(text[1]), "```go"), "a sentence says where each block of code belongs")
	var steps []step
	for _, match := range block.FindAllSubmatch(text[1], -1) {
		s := step{verb: string(match[1]), code: string(match[3])}
		for _, quoted := range span.FindAllSubmatch(match[2], -1) {
			if name := string(quoted[1]); path.MatchString(name) {
				s.file = name
			} else {
				s.mark = name
			}
		}
		require.NotEmpty(t, s.file, "the file of %s%s", s.verb, match[2])
		steps = append(steps, s)
	}
	return steps
}

func (s step) follow(t *testing.T, tree string) {
	t.Helper()
	file := filepath.Join(tree, s.file)
	if s.verb == "Create" {
		require.NoFileExists(t, file)
		require.NoError(t, os.WriteFile(file, []byte(s.code), 0o600))
		return
	}
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	at := len(source)
	if s.verb == "Add" {
		mark := strings.Index(string(source), s.mark+`"`)
		require.Positive(t, mark, "%s has a line with %s", s.file, s.mark)
		at = mark + bytes.IndexByte(source[mark:], '\n') + 1
	}
	changed := string(source[:at]) + s.code + string(source[at:])
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o600))
}

// run runs a command, which has to succeed, and returns what it writes.
func run(t *testing.T, folder, name string, arguments ...string) string {
	t.Helper()
	command := exec.Command(name, arguments...)
	command.Dir = folder
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s %s:\n%s", name, strings.Join(arguments, " "), output)
	return string(output)
}
