package compose

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUpIsHealthyWithin10SecondsConfinedAndAnswersByContract(t *testing.T) {
	withEachCompose(t, func(t *testing.T, p *project) {
		start := time.Now()
		p.up(t)
		for _, service := range []string{"testserver", "api"} {
			eventually(t, 30*time.Second, service+" is healthy", func() bool {
				return p.containers(t, service)[0].State.Health.Status == "healthy"
			})
		}
		t.Logf("healthy after %.1f s", time.Since(start).Seconds())
		assert.Less(t, time.Since(start), 10*time.Second)

		for _, service := range []string{"testserver", "api"} {
			assertConfined(t, p.containers(t, service)[0], 65532)
		}
		assert.Empty(t, p.containers(t, "testserver")[0].NetworkSettings.Ports["5000/tcp"], "the testing server is not published")
		assertContract(t, p.containers(t, "api")[0].url(t))
		assertLivePage(t, p.containers(t, "api")[0])
	}, "HEDGEROW_TESTSERVER_FAIL=0")
}

// assertConfined looks at what the engine was told and at what the kernel says. user is the container's user and group.
func assertConfined(t *testing.T, c container, user int) {
	t.Helper()
	assert.Equal(t, fmt.Sprintf("%d:%d", user, user), c.Config.User)
	assert.True(t, c.HostConfig.ReadonlyRootfs)
	assert.Equal(t, []string{"ALL"}, c.HostConfig.CapDrop)
	assert.Contains(t, c.HostConfig.SecurityOpt, "no-new-privileges:true")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.State.Pid))
	require.NoError(t, err)
	for _, line := range []string{
		fmt.Sprintf(`Uid:(\s%d){4}`, user), fmt.Sprintf(`Gid:(\s%d){4}`, user),
		`CapPrm:\s0+`, `CapEff:\s0+`, `CapBnd:\s0+`, `CapAmb:\s0+`, `NoNewPrivs:\s1`,
	} {
		assert.Regexp(t, `(?m)^`+line+`$`, string(status))
	}
}

// assertLivePage looks for the live page where the engine has published the admin address: for this machine alone.
func assertLivePage(t *testing.T, c container) {
	t.Helper()
	published := c.NetworkSettings.Ports["5001/tcp"]
	require.Len(t, published, 1)
	assert.Equal(t, "127.0.0.1", published[0].HostIP)
	for _, host := range []string{"127.0.0.1", "localhost"} {
		status, _, body, err := get("http://" + host + ":" + published[0].HostPort + "/")
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, "<title>Hedgerow</title>")
	}
}

// assertContract makes calls that have one right answer when the upstream API never fails.
func assertContract(t *testing.T, url string) {
	t.Helper()
	const one, three = `{"time":[1-6]\d\d}`, `\[{"time":[1-6]\d\d}(,{"time":[1-6]\d\d}){2}\]`
	const jsonType, problemType = "application/json; charset=utf-8", "application/problem+json"
	for _, call := range []struct {
		path        string
		status      int
		contentType string
		body        string
	}{
		{"/api/all?timeout=5000", 200, jsonType, three},
		{"/api/first?timeout=5000", 200, jsonType, one},
		{"/api/within-timeout?timeout=5000", 200, jsonType, three},
		{"/api/smart?timeout=5000", 200, jsonType, one},
		{"/api/within-timeout?timeout=1", 200, jsonType, `\[\]`},
		{"/api/all?timeout=1", 504, problemType, ""},
		{"/api/first?timeout=1", 504, problemType, ""},
		{"/api/smart?timeout=1", 504, problemType, ""},
		{"/api/all", 400, problemType, ""},
		{"/api/smart?timeout=60001", 400, problemType, ""},
		{"/nothing", 404, problemType, ""},
	} {
		status, header, body, err := get(url + call.path)
		require.NoError(t, err, call.path)
		assert.Equal(t, call.status, status, call.path)
		assert.Equal(t, call.contentType, header.Get("Content-Type"), call.path)
		if call.body != "" {
			assert.Regexp(t, `^`+call.body+`$`, body, call.path)
			continue
		}
		var problem struct {
			Status    int
			RequestID string `json:"request_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &problem), call.path)
		assert.Equal(t, call.status, problem.Status, call.path)
		assert.NotEmpty(t, problem.RequestID, call.path)
	}
	status, header, body, err := get(url + "/")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.True(t, strings.HasPrefix(header.Get("Content-Type"), "text/html"))
	assert.Contains(t, body, "swagger-ui")
}

func TestExponeaURLPointsItElsewhere(t *testing.T) {
	withEachCompose(t, func(t *testing.T, p *project) {
		elsewhere := p.name + "-elsewhere" // another testing server, on the same network
		t.Cleanup(func() { _, _ = docker("rm", "--force", elsewhere) })
		p.run(t, "run", "--detach", "--name="+elsewhere, "testserver", "testserver", "--min=5ms", "--max=5ms", "--fail=0")

		p.environment = append(p.environment, "EXPONEA_URL=http://"+elsewhere+":5002/api/work")
		p.up(t)
		url := p.containers(t, "api")[0].url(t)
		waitUntilReady(t, url)
		status, _, body, err := get(url + "/api/all?timeout=5000")
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, `[{"time":5},{"time":5},{"time":5}]`, body)
	})
}

func TestIdleCallersThatHoldEveryConnectionDoNotMakeItUnhealthy(t *testing.T) {
	withEachCompose(t, func(t *testing.T, p *project) {
		p.up(t, "api")
		healthy := func() bool { return p.containers(t, "api")[0].State.Health.Status == "healthy" }
		eventually(t, 30*time.Second, "it is healthy", healthy)

		for range 8 { // 4 of them wait to be accepted
			idle, err := net.Dial("tcp", p.containers(t, "api")[0].ip()+":5000")
			require.NoError(t, err)
			defer func() { _ = idle.Close() }()
		}
		held := time.Now()
		id := p.containers(t, "api")[0].ID
		checksSince := func() (checks, failed int) {
			text, err := docker("container", "inspect", "--format={{range .State.Health.Log}}{{.Start.Unix}} {{.ExitCode}}\n{{end}}", id)
			require.NoError(t, err)
			for line := range strings.Lines(text) {
				var start, code int64
				_, err := fmt.Sscan(line, &start, &code)
				require.NoError(t, err)
				if start > held.Unix() {
					checks++
					failed += int(code)
				}
			}
			return checks, failed
		}
		eventually(t, time.Minute, "it is checked twice", func() bool { checks, _ := checksSince(); return checks >= 2 })
		_, failed := checksSince()
		assert.Zero(t, failed)
		assert.True(t, healthy())
	}, "HEDGEROW_MAX_CONNECTIONS=4")
}
