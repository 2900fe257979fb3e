// Package postman runs the Postman collection with newman, Postman's command line, against services of every kind.
package postman

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// api is a file in the folder api.
func api(name string) string { return filepath.Join(harness.Root(), "api", name) }

// execution is a request that newman sent or meant to send.
type execution struct {
	Item       struct{ ID, Name string }
	Assertions []struct {
		Assertion string
		Skipped   bool
		Error     *struct{ Message string }
	}
	RequestError *struct{ Message string }
}

// failures says what was wrong with a request and its answer.
func (e execution) failures() []string {
	var failures []string
	if e.RequestError != nil {
		failures = append(failures, e.RequestError.Message)
	}
	for _, a := range e.Assertions {
		if a.Skipped {
			failures = append(failures, a.Assertion+": skipped")
		}
		if a.Error != nil {
			failures = append(failures, a.Assertion+": "+a.Error.Message)
		}
	}
	return failures
}

// report is newman's account of a run.
type report struct {
	passed     bool // by newman's exit code
	executions []execution
	failures   []string // of executions, and of requests that their script did not send
	output     string   // for a person
}

// last returns the last execution of each request, in the order of the collection. A request's script can send it again.
func (r report) last() []execution {
	var last []execution
	for _, e := range r.executions {
		if n := len(last); n > 0 && last[n-1].Item.ID == e.Item.ID {
			last[n-1] = e
		} else {
			last = append(last, e)
		}
	}
	return last
}

// newman runs folders of the collection as a user does, with variables (NAME=value) on top of those of the local environment.
func newman(t *testing.T, folders []string, variables ...string) report {
	t.Helper()
	program, err := install()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "report.json")
	arguments := []string{
		"run", api("hedgerow.postman_collection.json"), "-e", api("local.postman_environment.json"),
		"--reporters", "cli,json", "--reporter-json-export", file, "--color", "off",
	}
	for _, folder := range folders {
		arguments = append(arguments, "--folder", folder)
	}
	for _, variable := range variables {
		arguments = append(arguments, "--env-var", variable)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, program, arguments...).CombinedOutput()
	data, readErr := os.ReadFile(file)
	require.NoError(t, readErr, "newman has not run: %v\n%s", err, output)
	var summary struct {
		Run struct {
			Executions []execution
			Failures   []struct{ Error struct{ Message string } }
		}
	}
	require.NoError(t, json.Unmarshal(data, &summary))
	r := report{passed: err == nil, executions: summary.Run.Executions, output: string(output)}
	for _, failure := range summary.Run.Failures {
		r.failures = append(r.failures, failure.Error.Message)
	}
	return r
}

// install returns newman's path. It installs newman unless the version that package.json names is there.
var install = sync.OnceValues(func() (string, error) {
	folder := filepath.Join(harness.Root(), "test", "e2e", "postman")
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("the Postman collection is run by newman, which needs node and npm: %w", err)
		}
	}
	newman := filepath.Join(folder, "node_modules", ".bin", "newman")
	if version, err := exec.Command(newman, "--version").Output(); err == nil && strings.TrimSpace(string(version)) == pinned(folder) {
		return newman, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing newman with npm ci in %s: %w\n%s", folder, err, output)
	}
	return newman, nil
})

// pinned is newman's version in package.json.
func pinned(folder string) string {
	var manifest struct{ DevDependencies map[string]string }
	if data, err := os.ReadFile(filepath.Join(folder, "package.json")); err == nil {
		_ = json.Unmarshal(data, &manifest)
	}
	return manifest.DevDependencies["newman"]
}
