package main

import (
	"bytes"
	"fmt"
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
	"hedgerow/test/logtest"
	"hedgerow/test/metricstest"
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
	require.NoError(t, os.WriteFile(path, []byte(commented), 0o600)) //nolint:gosec // in a folder of the test's own
	var out, problems bytes.Buffer
	assert.Zero(t, run(t.Context(), []string{"check", path}, &out, &problems), problems.String())
	assert.Contains(t, out.String(), "curl 'localhost:5000/proxy/testing/api/work'")
	assert.Contains(t, out.String(), "curl 'localhost:5000/proxy/rates/latest?base=EUR'")
}

// writeMirrored writes a file of APIs that have two URLs each; the first refuses connections.
func writeMirrored(t *testing.T, path, url string, names ...string) {
	t.Helper()
	var text strings.Builder
	text.WriteString("apis:\n")
	for _, name := range names {
		fmt.Fprintf(&text, "  %s:\n    urls: [http://127.0.0.1:1, %s]\n    attempts: 2\n", name, url)
		text.WriteString("    set: {Authorization: \"Bearer ${TOKEN}\"}\n    routes: {\"GET /users/\": {timeout: 20s}}\n")
	}
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
}

// assertTold checks what the log says of a call that the second URL has answered, and of one to an unknown API.
func assertTold(t *testing.T, log *logtest.Log) {
	t.Helper()
	line := log.Wait(t, "status", 200.)
	assert.Equal(t, "rates", line["api"])
	assert.Equal(t, "GET /users/", line["route"])
	assert.Equal(t, "smart", line["strategy"])
	assert.InDelta(t, 2, line["url"], 0, "the second URL has answered")
	assert.Contains(t, line["attempts"], "failed")
	assert.NotContains(t, line, "path")
	line = log.Wait(t, "status", 404.)
	assert.Empty(t, line["api"])
	failure := log.Wait(t, "msg", "attempts fail")
	assert.Equal(t, "rates", failure["api"])
	assert.Equal(t, "127.0.0.1:1", failure["host"])
	assert.Equal(t, "connection refused", failure["reason"])
}

// assertCounted checks what one call to the API "rates" has left in the metrics, and that "gone" has none.
func assertCounted(t *testing.T, scrape metricstest.Scrape) {
	t.Helper()
	for name, labels := range map[string][]string{
		"hedgerow_proxy_calls_total":                 {"status", "200"},
		"hedgerow_proxy_call_duration_seconds_count": nil,
		"hedgerow_proxy_attempt_failures_total":      {"reason", "connection refused"},
		"hedgerow_proxy_connections_total":           nil,
		"hedgerow_proxy_requests_total":              nil,
		"hedgerow_proxy_unsent_total":                nil,
	} {
		assert.InDelta(t, 1, scrape.Sum(name, append(labels, "api", "rates")...), 0, name)
		assert.Zero(t, scrape.Sum(name, append(labels, "api", "gone")...), name)
	}
}

func TestProxiedCallsAreInTheMetricsAndTheLogWithoutTheirPathsAndSecrets(t *testing.T) {
	upstream := faultserver.New(t, faultserver.JSON(`"body5ecret"`))
	path := filepath.Join(t.TempDir(), "apis.yaml")
	writeMirrored(t, path, base(upstream), "rates", "gone")
	p := start(t, []string{"HEDGEROW_CONFIG=" + path, "TOKEN=s3cret", "HEDGEROW_ADMIN_ADDR=127.0.0.1:0", "HEDGEROW_LOG_LEVEL=debug"})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	o := observed{url: url, admin: p.log.Wait(t, "msg", "admin address is listening")["addr"].(string)}
	names := o.scrape(t).Series("hedgerow_")

	status, _ := get(t, url+"/proxy/rates/users/path5ecret?key=query5ecret")
	assert.Equal(t, http.StatusOK, status)
	status, _ = get(t, url+"/proxy/nope5ecret/x")
	assert.Equal(t, http.StatusNotFound, status)
	assertTold(t, p.log)

	scrape := o.scrape(t)
	assert.Equal(t, names, scrape.Series("hedgerow_"))
	assertCounted(t, scrape)
	assert.InDelta(t, 256<<20, scrape.Sum("hedgerow_buffered_bytes_limit"), 0)
	assert.Zero(t, scrape.Sum("hedgerow_calls_total"), "calls to the file's APIs are not the challenge's")
	assert.NotContains(t, fmt.Sprint(scrape), "5ecret")

	writeMirrored(t, path, base(upstream), "rates", "new")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	p.log.Wait(t, "msg", "the file of APIs has been read again")
	series := strings.Join(o.scrape(t).Series("hedgerow_proxy_"), "\n")
	assert.NotContains(t, series, "gone")
	assert.Contains(t, series, "new")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, p.end(t))
	for _, secret := range []string{"5ecret", "s3cret"} {
		assert.NotContains(t, p.log.String(), secret)
	}
}

func TestAFileThatCannotBeReadToItsEndKeepsNoSignalOff(t *testing.T) {
	path := writeAPIs(t, "", "http://127.0.0.1:1")
	p := start(t, []string{"HEDGEROW_CONFIG=" + path, "TOKEN=x"})
	p.log.Wait(t, "msg", listening)
	require.NoError(t, os.Remove(path))
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	writer, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // the test's own; it opens when the service has opened it
	require.NoError(t, err)
	t.Cleanup(func() { _ = writer.Close() })
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, p.end(t))
}

func TestBodiesForWhichThereCanBeNoRoomAreToldAtTheStart(t *testing.T) {
	for settings, warned := range map[string]bool{
		"max_request_body: 6MiB": false, "max_request_body: 7MiB": true, "max_body: 8MiB": false, "max_body: 9MiB": true,
		"max_body: 1MiB, routes: {/x: {max_body: 9MiB}}": true,
	} {
		path := filepath.Join(t.TempDir(), "apis.yaml")
		require.NoError(t, os.WriteFile(path, []byte("apis: {a: {url: 'http://127.0.0.1:1', "+settings+"}}"), 0o600))
		p := start(t, []string{"HEDGEROW_CONFIG=" + path, "HEDGEROW_MAX_BUFFERED=8MiB"})
		p.log.Wait(t, "msg", listening)
		assert.Equal(t, warned, strings.Contains(p.log.String(), "HEDGEROW_MAX_BUFFERED has no room"), settings)
	}
}

func TestTheShutdownTimeoutFollowsTheFile(t *testing.T) {
	path := writeAPIs(t, "", "http://127.0.0.1:1")
	p := start(t, []string{"HEDGEROW_CONFIG=" + path, "TOKEN=x", "HEDGEROW_MAX_TIMEOUT=1s"})
	p.log.Wait(t, "msg", listening)
	require.NoError(t, os.WriteFile(path, []byte("apis: {a: {url: 'http://127.0.0.1:1', max_timeout: 2m}}"), 0o600))
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	p.log.Wait(t, "msg", "the file of APIs has been read again")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, "2m2s", p.log.Wait(t, "msg", "stopping")["timeout"])
	assert.Zero(t, p.end(t))
}
