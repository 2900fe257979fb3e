// Package apis does what README.md and APIS.md tell a reader to do: it saves their files, starts Hedgerow and pastes their commands
// into a shell. It needs python3, curl and a shell.
package apis

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestEveryRecipeDoesWhatItsPageSays(t *testing.T) {
	recipes := append(sections(t, "APIS.md", "### "), sections(t, "README.md", "## ")...)
	require.GreaterOrEqual(t, len(recipes), 5)
	for _, r := range recipes {
		t.Run(r.title, r.follow)
	}
}

// recipe is a section of a page that has a file of APIs, a command that starts Hedgerow with it, and commands with what they print.
type recipe struct {
	title    string
	file     string
	start    string
	commands []string
}

var block = regexp.MustCompile("(?ms)^```(yaml|sh)\n(.*?)^```$")

// sections returns the recipes of a page. Its sections without a whole file of APIs are none.
func sections(t *testing.T, page, heading string) []recipe {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(), page))
	require.NoError(t, err)
	var recipes []recipe
	for _, section := range strings.Split(string(text), "\n"+heading)[1:] {
		section, _, _ = strings.Cut(section, "\n## ")
		title, _, _ := strings.Cut(section, "\n")
		r := recipe{title: page + ": " + title}
		for _, match := range block.FindAllStringSubmatch(section, -1) {
			switch {
			case match[1] == "yaml":
				require.Empty(t, r.file, "%s has one file", title)
				r.file = match[2]
			case strings.Contains(match[2], "make local"):
				r.start = match[2]
			default:
				r.commands = append(r.commands, match[2])
			}
		}
		if strings.Contains(r.file, "apis:") {
			require.NotEmpty(t, r.start, "%s says how to start", title)
			require.NotEmpty(t, r.commands, "%s has commands", title)
			recipes = append(recipes, r)
		}
	}
	return recipes
}

// follow does what a recipe says, with the servers on other ports.
func (r recipe) follow(t *testing.T) {
	ports := demo(t)
	places := strings.NewReplacer("127.0.0.1:7001", ports[0], "127.0.0.1:7002", ports[1], "127.0.0.1:7003", ports[2])
	folder := t.TempDir()
	file := filepath.Join(folder, "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte(places.Replace(r.file)), 0o600))

	var environment []string
	for word := range strings.FieldsSeq(r.start) {
		if name, value, ok := strings.Cut(word, "="); ok && name == "HEDGEROW_CONFIG" {
			require.Equal(t, "apis.yaml", value)
			environment = append(environment, "HEDGEROW_CONFIG="+file)
		} else if ok {
			environment = append(environment, word)
		}
	}
	h := harness.Start(t, environment...)
	check := exec.Command(harness.Binary(t), "check", file)
	check.Env = environment
	output, err := check.CombinedOutput()
	require.NoError(t, err, "%s", output)

	for _, commands := range r.commands {
		var want strings.Builder
		for line := range strings.Lines(commands) {
			if text, ok := strings.CutPrefix(line, "# "); ok {
				want.WriteString(text)
			}
		}
		shell := exec.Command("sh", "-eu", "-c", strings.ReplaceAll(commands, "localhost:5000", h.Addr))
		shell.Dir = folder
		output, err := shell.CombinedOutput()
		require.NoError(t, err, "%s%s", commands, output)
		assert.Equal(t, want.String(), strings.ReplaceAll(string(output), "\r", ""), commands)
	}
}

// demo runs the servers of test/demo.py on free ports, until the test ends, and returns their addresses.
func demo(t *testing.T) []string {
	t.Helper()
	arguments := []string{filepath.Join(harness.Root(), "test", "demo.py")}
	addresses := make([]string, 3)
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		addresses[i] = listener.Addr().String()
		arguments = append(arguments, fmt.Sprint(listener.Addr().(*net.TCPAddr).Port))
		require.NoError(t, listener.Close())
	}
	server := exec.Command("python3", arguments...)
	server.Stderr = os.Stderr
	output, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "listening on")
	return addresses
}
