package compose

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/contract"
	"hedgerow/test/e2e/harness"
)

// project is one deployment of docker-compose.yml, under a name of its own.
type project struct {
	name        string
	compose     []string
	environment []string
}

// withEachCompose runs test as a subtest with each Compose command of this machine. variables (NAME=value) are what the user has set.
// Whatever the test starts is taken down after it, and nothing may be left.
func withEachCompose(t *testing.T, test func(t *testing.T, p *project), variables ...string) {
	for i, compose := range composes {
		t.Run(strings.Join(compose, " "), func(t *testing.T) {
			p := &project{
				name: fmt.Sprintf("hedgerow-test-%d-%d", os.Getpid(), i), compose: compose,
				environment: composeEnvironment(variables...),
			}
			t.Cleanup(func() { p.takeDown(t) })
			test(t, p)
		})
	}
}

// composeEnvironment is the tester's environment without what docker-compose.yml reads, and with variables. Ports are free ones.
func composeEnvironment(variables ...string) []string {
	var environment []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "HEDGEROW_") && !strings.HasPrefix(name, "COMPOSE_") && name != "EXPONEA_URL" && name != "DEBUG" {
			environment = append(environment, variable)
		}
	}
	environment = append(environment, "HEDGEROW_IMAGE="+image, "VERSION="+version, "GOPROXY="+goProxy(), "HEDGEROW_PORT=0",
		"HEDGEROW_ADMIN_PORT=0", "HEDGEROW_PROXY_PORT=0", "HEDGEROW_PROMETHEUS_PORT=0")
	return append(environment, variables...)
}

// goProxy is where this machine gets modules from: not always a variable.
func goProxy() string {
	out, _ := command(commandTimeout, nil, "go", "env", "GOPROXY")
	return out
}

func composeFile() string { return filepath.Join(harness.Root(), "docker-compose.yml") }

// try runs a Compose command for the project.
func (p *project) try(timeout time.Duration, args ...string) (string, error) {
	args = append(append(p.compose[1:len(p.compose):len(p.compose)], "--env-file", noSettings, "-f", composeFile(), "-p", p.name), args...)
	return command(timeout, p.environment, p.compose[0], args...)
}

// run is try for commands that must succeed.
func (p *project) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.try(commandTimeout, args...)
	require.NoError(t, err)
	return out
}

// up starts services in the background and returns when Compose does.
func (p *project) up(t *testing.T, args ...string) {
	p.run(t, append([]string{"up", "--detach", "--no-build"}, args...)...)
}

func (p *project) takeDown(t *testing.T) {
	if t.Failed() {
		logs, _ := p.try(commandTimeout, "logs", "--tail=40")
		t.Log(logs)
	}
	_, err := p.try(commandTimeout, "--profile=replicas", "--profile=observability", "down", "--volumes", "--timeout=10")
	require.NoError(t, err)
	for _, kind := range [][]string{{"ps", "--all"}, {"network", "ls"}, {"volume", "ls"}} {
		left, err := docker(append(kind, "--quiet", "--filter=label=com.docker.compose.project="+p.name)...)
		require.NoError(t, err)
		assert.Empty(t, left, "left behind: docker %v", kind)
	}
}

// container is what the engine tells about a container.
type container struct {
	ID    string
	State struct {
		Pid, ExitCode int
		Running       bool
		Health        struct{ Status string }
	}
	Config     struct{ User string }
	HostConfig struct {
		ReadonlyRootfs bool
		CapDrop        []string
		SecurityOpt    []string
	}
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress string }
		Ports    map[string][]struct {
			HostIP   string `json:"HostIp"`
			HostPort string
		}
	}
}

// containers returns those of a service, stopped ones too.
func (p *project) containers(t *testing.T, service string) []container {
	t.Helper()
	ids, err := docker("ps", "--all", "--quiet", "--filter=label=com.docker.compose.project="+p.name,
		"--filter=label=com.docker.compose.service="+service)
	require.NoError(t, err)
	require.NotEmpty(t, ids, "no container of %s", service)
	return inspect(t, strings.Fields(ids)...)
}

func inspect(t *testing.T, ids ...string) []container {
	t.Helper()
	text, err := docker(append([]string{"container", "inspect"}, ids...)...)
	require.NoError(t, err)
	var containers []container
	require.NoError(t, json.Unmarshal([]byte(text), &containers))
	return containers
}

// url is where the engine has published port 5000 of the container.
func (c container) url(t *testing.T) string {
	t.Helper()
	require.NotEmpty(t, c.NetworkSettings.Ports["5000/tcp"], "port 5000 is not published")
	return "http://127.0.0.1:" + c.NetworkSettings.Ports["5000/tcp"][0].HostPort
}

// ip is the container's own address. On Linux the host reaches it.
func (c container) ip() string {
	for _, network := range c.NetworkSettings.Networks {
		return network.IPAddress
	}
	return ""
}

var (
	oneConnectionEach = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	keptConnections   = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
)

// get makes a request on a connection of its own and returns the whole answer.
func get(url string) (status int, header http.Header, body string, err error) {
	return getWith(oneConnectionEach, url)
}

// getWith makes a request and returns the whole answer. An answer of the API that breaks the contract is an error.
func getWith(client *http.Client, url string) (status int, header http.Header, body string, err error) {
	response, err := client.Get(url)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if path := response.Request.URL.Path; err == nil && (strings.HasPrefix(path, "/api/") || strings.HasSuffix(path, "yz")) {
		err = contract.Violation(response.Request, response, text)
	}
	return response.StatusCode, response.Header, string(text), err
}

func waitUntilReady(t *testing.T, url string) {
	t.Helper()
	eventually(t, 10*time.Second, url+" is ready", func() bool {
		status, _, _, _ := get(url + "/readyz")
		return status == http.StatusOK
	})
}

// eventually waits for condition, for timeout at most, and returns how long that took.
func eventually(t *testing.T, timeout time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !condition() {
		require.Less(t, time.Since(start), timeout, what)
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(start)
}
