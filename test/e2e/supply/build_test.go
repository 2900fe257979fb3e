// Package supply tests that what is delivered is made of the sources and of nothing else.
package supply

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

const version = "v0-of-a-test"

func TestTheSameSourcesMakeTheSameBinaryAnywhere(t *testing.T) {
	here := filepath.Join(t.TempDir(), "hedgerow")
	output, err := target(t, "binary", "BINARY="+here).CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.True(t, bytes.Equal(read(t, here), read(t, buildLikeTheImage(t))),
		"`make binary` and the Dockerfile's build in another folder differ")
}

func TestTheBillOfMaterialsIsTheSameEachTime(t *testing.T) {
	folder := t.TempDir()
	var bills [2][]byte
	for i := range bills {
		sbom := filepath.Join(folder, "sbom.json")
		output, err := target(t, "sbom", "BINARY="+filepath.Join(folder, "hedgerow"), "SBOM="+sbom).CombinedOutput()
		require.NoError(t, err, "%s", output)
		bills[i] = read(t, sbom)
	}
	assert.Equal(t, string(bills[0]), string(bills[1]))
	for _, module := range []string{"github.com/gin-gonic/gin", "github.com/prometheus/client_golang", "std"} {
		assert.Contains(t, string(bills[0]), `"name": "`+module+`"`)
	}
}

// target runs a target of the Makefile.
func target(t *testing.T, name string, variables ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command("make", append([]string{name, "VERSION=" + version}, variables...)...)
	command.Dir = harness.Root()
	return command
}

var (
	imageEnvironment = regexp.MustCompile(`(?m)^ENV (CGO_ENABLED=\d) (GOFLAGS)="([^"]+)"$`)
	imageBuild       = regexp.MustCompile(`(?m)^RUN go build -ldflags "([^"]+)" -o /hedgerow (\S+)$`)
)

// buildLikeTheImage builds a copy of the sources by what the Dockerfile says, in a folder of its own. What the go
// command has compiled before it takes from its cache, where what depends on the folder, the version control or other flags has
// another place.
func buildLikeTheImage(t *testing.T) string {
	t.Helper()
	dockerfile := string(read(t, filepath.Join(harness.Root(), "Dockerfile")))
	environment, build := imageEnvironment.FindStringSubmatch(dockerfile), imageBuild.FindStringSubmatch(dockerfile)
	require.NotNil(t, environment, "the Dockerfile's environment has changed its form")
	require.NotNil(t, build, "the Dockerfile's build has changed its form")

	sources := t.TempDir()
	for _, name := range []string{"cmd", "internal", "docs"} {
		require.NoError(t, os.CopyFS(filepath.Join(sources, name), os.DirFS(filepath.Join(harness.Root(), name))))
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		require.NoError(t, os.WriteFile(filepath.Join(sources, name), read(t, filepath.Join(harness.Root(), name)), 0o600))
	}
	binary := filepath.Join(t.TempDir(), "hedgerow")
	ldflags := regexp.MustCompile(`\$\{VERSION\}`).ReplaceAllLiteralString(build[1], version)
	command := exec.Command("go", "build", "-ldflags", ldflags, "-o", binary, build[2])
	command.Dir = sources
	command.Env = append(os.Environ(), environment[1], environment[2]+"="+environment[3])
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}
