package supply

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestTheTestsRunWithoutTheRaceDetectorAndSaySoWhereNoCCompilerWorks(t *testing.T) {
	for _, test := range []struct {
		compiler, runs string
		loud           assert.ComparisonAssertionFunc
	}{
		{"true", "ran: test -race ./...", notContains},
		{"false", "ran: test ./...", contains},
		{"/no/such/compiler", "ran: test ./...", contains},
	} {
		output, err := target(t, "test", "GO="+fakeGo(t, test.compiler)).CombinedOutput()
		require.NoError(t, err, "%s", output)
		assert.Contains(t, string(output), test.runs, test.compiler)
		test.loud(t, string(output), "*** WITHOUT THE RACE DETECTOR", test.compiler)
	}
}

func TestTheTestsSayThatCompilingTakesMinutesWhenNothingIsCompiledYet(t *testing.T) {
	for stale, says := range map[string]assert.ComparisonAssertionFunc{"true": contains, "false": notContains} {
		output, err := target(t, "test", "GO="+fakeGo(t, "true"), "FAKE_STALE="+stale).CombinedOutput()
		require.NoError(t, err, "%s", output)
		says(t, string(output), "that takes minutes")
	}
}

func TestMakeLocalSaysThatTheFirstBuildTakesMinutesAndShowsThatSomethingHappens(t *testing.T) {
	folder := t.TempDir()
	binary, goCommand := filepath.Join(folder, "hedgerow"), filepath.Join(folder, "go")
	script := "#!/bin/sh\ncase $1 in build) echo ran: $*; echo '#!/bin/sh' >\"$4\"; chmod +x \"$4\";; esac\n"
	require.NoError(t, os.WriteFile(goCommand, []byte(script), 0o700))
	for _, says := range []assert.ComparisonAssertionFunc{contains, notContains} { // the first build, and the next
		output, err := target(t, "local", "GO="+goCommand, "LOCAL="+binary).CombinedOutput()
		require.NoError(t, err, "%s", output)
		says(t, string(output), "With empty caches that takes minutes")
		assert.Contains(t, string(output), "ran: build -v ", "each package is named")
	}
}

func contains(t assert.TestingT, text, part any, message ...any) bool {
	return assert.Contains(t, text, part, message...)
}

func notContains(t assert.TestingT, text, part any, message ...any) bool {
	return assert.NotContains(t, text, part, message...)
}

// fakeGo is a go command that has that C compiler and says what it is asked to run.
func fakeGo(t *testing.T, compiler string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "go")
	script := "#!/bin/sh\ncase $* in 'env CC') echo " + compiler + ";; *.Stale*) echo $FAKE_STALE;; test*) echo ran: $*;; esac\n"
	require.NoError(t, os.WriteFile(path, []byte(script), 0o700))
	return path
}

func TestTheImageIsBuiltWithTheBaseImagesAndTheProxyThatAreGiven(t *testing.T) {
	for _, given := range []string{"GO_IMAGE=mirror/golang:1.26", "BASE_IMAGE=scratch", "GOPROXY=https://proxy.example.org,direct"} {
		output, err := target(t, "docker", "--dry-run", given).CombinedOutput()
		require.NoError(t, err, "%s", output)
		assert.Contains(t, string(output), "--build-arg '"+given+"'")
	}
}

func TestCleanKeepsTheLinter(t *testing.T) {
	makefile := filepath.Join(harness.Root(), "Makefile")
	version := regexp.MustCompile(`(?m)^LINT_VERSION\s*:= (\S+)$`).FindSubmatch(read(t, makefile))
	require.NotNil(t, version)
	folder := t.TempDir()
	linter := filepath.Join("bin", "golangci-lint-"+string(version[1]))
	for _, name := range []string{linter, "bin/golangci-lint-v0", "bin/hedgerow", "bin/local/hedgerow"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	clean := exec.Command("make", "--file="+makefile, "clean")
	clean.Dir = folder
	clean.Env = append(os.Environ(), "DOCKER_HOST=tcp://127.0.0.1:1") // nobody's engine
	output, err := clean.CombinedOutput()
	require.NoError(t, err, "%s", output)

	left, err := filepath.Glob(filepath.Join(folder, "bin", "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(folder, linter)}, left)
}
