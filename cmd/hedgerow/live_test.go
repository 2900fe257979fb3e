package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// told reads the stream of the live page until it has all of these.
func told(t *testing.T, admin string, parts ...string) string {
	t.Helper()
	response, err := http.Get("http://" + admin + "/events")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var text strings.Builder
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		missing := false
		for _, part := range parts {
			missing = missing || !strings.Contains(text.String(), part)
		}
		if !missing {
			return text.String()
		}
	}
	require.Fail(t, "the stream has ended", text.String())
	return ""
}

func TestTheLivePageKnowsEveryCallAndTheFiguresOfItsAPI(t *testing.T) {
	api := faultserver.New(t, faultserver.Status(500, "no"), faultserver.JSON("{}"))
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apis:\n  zoo: {url: "+api.URL+", hedge: {delay: 1m, budget: off}, routes: {\"GET /a/\": {hedge: {delay: 2m}}}}\n  ark: {url: http://127.0.0.1:1}\n"), 0o600))
	o := startObserved(t, []string{"HEDGEROW_CONFIG=" + file}, "--testserver-min=1ms", "--testserver-max=1ms", "--testserver-fail=0", "--producers=1")
	for path, status := range map[string]int{"/proxy/zoo/a/secret?secret": 200, "/proxy/ark/x": 502, "/api/first?timeout=1000": 200, "/api/first?timeout=0": 400} {
		response, err := http.Get(o.url + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, status, response.StatusCode, path)
	}

	text := told(t, o.admin, `"api":"zoo","route":"GET /a/"`, `"api":"ark"`, `"api":"","route":"/api/first","strategy":"first"`, `"rate":0.`)
	assert.Contains(t, text, `"status":200`)
	assert.Contains(t, text, `"outcome":"failed","reason":"status 500"`)
	assert.Contains(t, text, `"outcome":"failed","reason":"connection refused"`)
	assert.NotContains(t, text, "secret", "of paths and queries nothing is held")
	assert.Contains(t, text, `"delay":[60000,120000]`)
	assert.Regexp(t, `data: \[{"api":"",.*{"api":"ark",.*"budget":10,.*{"api":"zoo",`, text, "in order")
	assert.Contains(t, text, `"n":3`)
	assert.NotContains(t, text, `"n":4`, "one with a bad timeout is not made")

	response, err := http.Get("http://" + o.admin + "/configuration")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	configuration, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	for _, line := range []string{"HEDGEROW_PRODUCERS", "zoo", "GET /a/", "ark"} {
		assert.Contains(t, string(configuration), line)
	}
}
