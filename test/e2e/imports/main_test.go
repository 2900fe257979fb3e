package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"hedgerow/test/e2e/harness"
)

func TestNoImportGoesUp(t *testing.T) {
	imports, err := list()
	require.NoError(t, err)
	assert.Empty(t, upward(imports))
}

func TestAnImportThatGoesUpOrStaysOnItsFloorIsAProblem(t *testing.T) {
	assert.Empty(t, upward(map[string][]string{"internal/http": {"internal/fanout"}}))
	for what, imports := range map[string]map[string][]string{
		"up":                    {"internal/fanout": {"internal/http"}},
		"to its own floor":      {"internal/metrics": {"internal/upstream"}},
		"a package that is new": {"internal/attic": nil},
	} {
		assert.Len(t, upward(imports), 1, what)
	}
}

func TestTheDrawingInTheGuideIsUpToDate(t *testing.T) {
	imports, err := list()
	require.NoError(t, err)
	guide, err := os.ReadFile(filepath.Join(harness.Root(), "CONTRIBUTING.md"))
	require.NoError(t, err)
	_, drawing, _, err := drawn(string(guide))
	require.NoError(t, err)
	assert.Equal(t, draw(imports), drawing, "run make generate")
}

func TestTheDrawingHasALineForEachPackageFromTheTopDown(t *testing.T) {
	assert.Equal(t, "```\ncmd/hedgerow    -> internal/fanout internal/http\n"+"internal/http   -> internal/fanout\n"+"internal/fanout\n```\n",
		draw(map[string][]string{
			"internal/fanout": nil,
			"internal/http":   {"internal/fanout"},
			"cmd/hedgerow":    {"internal/fanout", "internal/http"},
		}))
}

func TestOnlyTheDrawingIsReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "guide.md")
	require.NoError(t, os.WriteFile(file, []byte("before\n<!-- imports -->\nold\n<!-- /imports -->\nafter\n"), 0o600))
	require.NoError(t, redraw(file))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Regexp(t, "^before\n<!-- imports -->\n```\ncmd/healthcheck [^o]", string(text))
	assert.Regexp(t, "\n```\n<!-- /imports -->\nafter\n$", string(text))

	require.NoError(t, os.WriteFile(file, []byte("no comments\n"), 0o600))
	assert.ErrorContains(t, redraw(file), "are missing")
}

func TestEachPackageHasALinterRuleOfItsOwn(t *testing.T) {
	imports, err := list()
	require.NoError(t, err)
	ruled := map[string]bool{}
	for _, files := range linterRules(t) {
		for _, pattern := range files {
			ruled[strings.TrimSuffix(strings.TrimPrefix(pattern, "**/"), "/*.go")] = true
		}
	}
	for name := range imports {
		if name != "docs" { // generated
			assert.True(t, ruled[name], "%s: .golangci.yml has no depguard rule whose files are **/%s/*.go", name, name)
		}
	}
	for name := range ruled {
		if !strings.HasPrefix(name, "!") && !strings.HasPrefix(name, "$") {
			assert.Contains(t, imports, name, "a depguard rule is for a package that does not exist")
		}
	}
}

// linterRules returns the files of each rule for imports.
func linterRules(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(), ".golangci.yml"))
	require.NoError(t, err)
	var settings struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct{ Files []string }
				}
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &settings))
	rules := map[string][]string{}
	for name, rule := range settings.Linters.Settings.Depguard.Rules {
		rules[name] = rule.Files
	}
	require.NotEmpty(t, rules)
	return rules
}

func TestItSaysHowItIsUsed(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, 2, run(nil, &stderr))
	assert.Equal(t, "usage: imports MARKDOWN-FILE\n", stderr.String())
}
