package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// writeAPIs writes a file of APIs with the one API "a", and returns its path.
func writeAPIs(t *testing.T, path, url string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "apis.yaml")
	}
	text := "apis:\n  a:\n    url: " + url + "\n    set: {Authorization: \"Bearer ${TOKEN}\"}\n    example: /x?y\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func base(s *faultserver.Server) string { return strings.TrimSuffix(s.URL, "/api/work") }

func TestAnAPIOfTheFileIsCalledThroughProxyUntilTheFileIsReadAgain(t *testing.T) {
	before, after := faultserver.New(t, faultserver.JSON(`"before"`)), faultserver.New(t, faultserver.JSON(`"after"`))
	path := writeAPIs(t, "", base(before)+"/v1")
	p := start(t, []string{"HEDGEROW_CONFIG=" + path, "TOKEN=s3cret", "EXPONEA_URL=http://127.0.0.1:1/"})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string) + "/proxy/a/x"
	status, body := get(t, url)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, `"before"`, body)
	assert.Equal(t, "/v1/x", before.Request(0).RequestURI)
	assert.Equal(t, "Bearer s3cret", before.Request(0).Header.Get("Authorization"))
	assert.Equal(t, "hedgerow/dev", before.Request(0).UserAgent())

	require.NoError(t, os.WriteFile(path, []byte("apis:\n  a: {url: nope}\n  b: 5\n"), 0o600))
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	line := p.log.Wait(t, "msg", "the file of APIs cannot be read again, and nothing changes")
	assert.Equal(t, "ERROR", line["level"])
	assert.Contains(t, line["problem"], path+":2:12: ")
	_, body = get(t, url)
	assert.Equal(t, `"before"`, body)

	writeAPIs(t, path, base(after))
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	p.log.Wait(t, "msg", "the file of APIs has been read again")
	_, body = get(t, url)
	assert.Equal(t, `"after"`, body)

	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, p.end(t))
	assert.NotContains(t, p.log.String(), "s3cret")
}

func TestAFileOfAPIsWithProblemsEndsTheStartWithALineForEach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(path, []byte("apis:\n  a:\n    url: ftp://x\n    timout: 1s\n"), 0o600))
	for _, args := range [][]string{{"serve", "--config=" + path}, {"check", path}} {
		p := start(t, nil, args...)
		assert.Equal(t, exitFailure, p.end(t))
		lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
		require.Len(t, lines, 2, p.log)
		assert.Contains(t, lines[0], "hedgerow: "+path+":3:10: url: ")
		assert.Contains(t, lines[1], "hedgerow: "+path+":4:5: ")
		assert.Contains(t, lines[1], `"timeout"`)
	}
}

func TestCheckSaysWhatTheFileMeansWithoutItsSecrets(t *testing.T) {
	t.Setenv("TOKEN", "s3cret")
	path := writeAPIs(t, "", "http://api.example.org/v1")
	var out bytes.Buffer
	assert.Zero(t, run(t.Context(), []string{"check", path}, &out, io.Discard))
	for _, text := range []string{"http://api.example.org/v1", "Bearer ${TOKEN}", "curl 'localhost:5000/proxy/a/x?y'"} {
		assert.Contains(t, out.String(), text)
	}
	assert.NotContains(t, out.String(), "s3cret")
}

func TestTheExampleOfAFileOfAPIsIsGood(t *testing.T) {
	t.Setenv("TESTSERVER_URL", "http://127.0.0.1:5002")
	t.Setenv("RATES_TOKEN", "s3cret")
	example, err := os.ReadFile(filepath.Join("..", "..", "deploy", "apis.yaml"))
	require.NoError(t, err)
	commented := strings.ReplaceAll(string(example), "\n  #", "\n  ") // with what a newcomer uncomments
	commented = strings.Replace(commented, "\n   The testing server", "\n  # The testing server", 1)
	commented = strings.Replace(commented, "\n   An API", "\n  # An API", 1)
	path := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(path, []byte(commented), 0o600))
	var out, problems bytes.Buffer
	assert.Zero(t, run(t.Context(), []string{"check", path}, &out, &problems), problems.String())
	assert.Contains(t, out.String(), "curl 'localhost:5000/proxy/testing/api/work'")
	assert.Contains(t, out.String(), "curl 'localhost:5000/proxy/rates/latest?base=EUR'")
}
