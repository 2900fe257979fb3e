// Package mutation tests the tests: each mutation is a slip that a tired developer might make, and some test of the package has
// to notice it.
package mutation

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// mutation is one slip: the text old of a file, which stands there exactly once, becomes what follows.
type mutation struct {
	slip string
	file string // in internal/
	old  string
	new  string
}

// suites are the tests that have to notice, by package.
var suites = map[string]string{
	"upstream": "TestASuccess|TestAnythingElse",
	"http":     "TestABadTimeout",
}

func TestTheTestsPassWithoutAMutation(t *testing.T) {
	for name := range suites {
		t.Run(name, func(t *testing.T) {
			output, err := runTests(name, compile(t, name, nil))
			require.NoError(t, err, output)
			require.NotContains(t, output, "no tests to run")
		})
	}
}

func TestEverySlipIsNoticed(t *testing.T) {
	for _, m := range mutations {
		t.Run(m.slip, func(t *testing.T) {
			t.Parallel() // as many as there are cores
			name := filepath.Dir(m.file)
			output, err := runTests(name, compile(t, name, &m))
			require.Error(t, err, "the mutation in internal/%s survives: no test notices that %s", m.file, m.slip)
			t.Log("noticed by:", strings.Join(noticedBy(output), ", "))
		})
	}
}

// compile builds the tests of a package of internal/, with a mutation unless that is nil, and returns the binary. A mutation that
// does not compile is none.
func compile(t *testing.T, name string, m *mutation) string {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, "tests")
	arguments := []string{"test", "-c", "-vet=off", "-o", binary}
	if m != nil {
		arguments = append(arguments, "-overlay", overlay(t, folder, *m))
	}
	command := exec.Command("go", append(arguments, "./internal/"+name)...)
	command.Dir = harness.Root()
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}

// overlay writes the mutated file, and the file that tells the go command to take it for the original.
func overlay(t *testing.T, folder string, m mutation) string {
	t.Helper()
	original := filepath.Join(harness.Root(), "internal", m.file)
	source, err := os.ReadFile(original)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), m.old),
		"internal/%s has to have this text once; it has changed, so the mutation must be adapted:\n%s", m.file, m.old)
	mutated := filepath.Join(folder, "mutated.go")
	require.NoError(t, os.WriteFile(mutated, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{original: mutated}})
	require.NoError(t, err)
	path := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(path, replace, 0o600))
	return path
}

// runTests runs a package's tests until the first fails. A mutation that hangs is ended by their timeout.
func runTests(name, binary string) (string, error) {
	command := exec.Command(binary, "-test.failfast", "-test.timeout=20s", "-test.run="+suites[name])
	command.Dir = filepath.Join(harness.Root(), "internal", name)
	output, err := command.CombinedOutput()
	return string(output), err
}

var (
	failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	crash   = regexp.MustCompile(`(?m)^(panic|fatal error): .*`)
)

// noticedBy names the tests that failed, or what ended them all.
func noticedBy(output string) []string {
	var names []string
	for _, match := range failure.FindAllStringSubmatch(output, -1) {
		names = append(names, match[1])
	}
	if line := crash.FindString(output); line != "" {
		names = append(names, line)
	}
	return names
}
