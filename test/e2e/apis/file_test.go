package apis

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestTheTableOfSettingsHasEveryKeyOfTheFileAndSaysWhereItMayStand(t *testing.T) {
	for place, text := range map[string]string{
		"defaults": "defaults: {zzzzzzzz: 1}\napis: {a: {url: \"http://h\"}}",
		"API":      "apis: {a: {url: \"http://h\", zzzzzzzz: 1}}",
		"route":    "apis: {a: {url: \"http://h\", routes: {/: {zzzzzzzz: 1}}}}",
	} {
		output, err := check(t, text)
		require.Error(t, err, place)
		_, known, found := strings.Cut(strings.ReplaceAll(output, " and ", ", "), "expected one of ")
		require.True(t, found, output)
		assert.ElementsMatch(t, strings.Split(strings.TrimSpace(known), ", "), documented(t, place), "%s, in APIS.md", place)
	}
}

var row = regexp.MustCompile("(?m)^\\| `(\\w+)[^`]*` \\|[^|]*\\| ([^|]*) \\|")

// documented returns the settings that the table of APIS.md allows in a place.
func documented(t *testing.T, place string) []string {
	t.Helper()
	var keys []string
	for _, match := range row.FindAllStringSubmatch(theFile(t), -1) {
		if slices.Contains(strings.Split(match[2], ", "), place) && !slices.Contains(keys, match[1]) {
			keys = append(keys, match[1])
		}
	}
	return keys
}

// theFile is the section of APIS.md about the file.
func theFile(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(harness.Root(), "APIS.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## The file\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

func TestTheRoutesOfTheDocumentationAreRead(t *testing.T) {
	match := block.FindStringSubmatch(theFile(t))
	require.NotNil(t, match)
	output, err := check(t, "apis:\n  a:\n    url: http://h\n"+match[2])
	require.NoError(t, err, output)
	assert.Contains(t, output, "GET /search/")
}

func TestTheCommentedExampleIsReadWhenItIsUncommented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness.Root(), "deploy", "apis.yaml"))
	require.NoError(t, err)
	output, err := check(t, regexp.MustCompile(`(?m)^  #(\S|  )`).ReplaceAllString(string(text), "  $1"), "TESTSERVER_URL=http://h", "RATES_TOKEN=hunter2")
	require.NoError(t, err, output)
	assert.Contains(t, output, "POST /orders/{id}/pay")
	assert.NotContains(t, output, "hunter2")
}

// check runs hedgerow check on a file.
func check(t *testing.T, text string, environment ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	command := exec.Command(harness.Binary(t), "check", file)
	command.Env = environment
	output, err := command.CombinedOutput()
	return string(output), err
}
