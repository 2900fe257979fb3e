package postman

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/contract/trouble"
	"hedgerow/test/e2e/harness"
)

// requirePassed requires that every request of the folders was sent and that every test of it ran and passed.
func requirePassed(t *testing.T, folders []string, r report) {
	t.Helper()
	want, got := requests(t, folders), r.last()
	require.Len(t, got, len(want), r.output)
	for i, e := range got {
		require.Equal(t, want[i].name, e.Item.Name)
		assert.Len(t, e.Assertions, want[i].tests, "%s: not every test has run", e.Item.Name)
		assert.Empty(t, e.failures(), "%s %s", want[i].path, e.Item.Name)
	}
	assert.True(t, r.passed, r.output)
}

// requireFailed requires that every request of the folders has a failure.
func requireFailed(t *testing.T, folders []string, r report) {
	t.Helper()
	want, got := requests(t, folders), r.last()
	require.Len(t, got, len(want), r.output)
	for i, e := range got {
		require.Equal(t, want[i].name, e.Item.Name)
		assert.NotEmpty(t, e.failures(), "%s %s", want[i].path, e.Item.Name)
	}
	assert.False(t, r.passed, r.output)
}

// usual is a service as `make local` starts it, with its testing server at a free port.
func usual(t *testing.T, environment ...string) *harness.Hedgerow {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())
	return harness.Start(t, append(environment, "HEDGEROW_TESTSERVER_ADDR="+addr, "TESTSERVER_URL=http://"+addr,
		"HEDGEROW_CONFIG="+filepath.Join(harness.Root(), "deploy", "apis.yaml"))...)
}

func TestADeploymentWithTheUsualSettingsPasses(t *testing.T) {
	requirePassed(t, everyDeployment, newman(t, everyDeployment, "baseUrl="+usual(t).URL()))
}

func TestServicesInTroublePass(t *testing.T) {
	requirePassed(t, inTrouble, newman(t, inTrouble, "failingUrl="+trouble.Failing(t).URL(),
		"overloadedUrl="+trouble.Overloaded(t).URL(), "stoppingUrl="+trouble.Stopping(t).URL()))
}

func TestWithoutServicesInTroubleTheirRequestsFail(t *testing.T) {
	r := newman(t, inTrouble)
	assert.False(t, r.passed)
	assert.Empty(t, r.executions)
	assert.Len(t, r.failures, len(requests(t, inTrouble)), r.output)
	for _, failure := range r.failures {
		assert.Contains(t, failure, "see the folder's description")
	}
}

func TestWithoutAServiceEveryRequestFails(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	requireFailed(t, everyDeployment, newman(t, everyDeployment, "baseUrl="+server.URL))
}

func TestAServiceThatAlwaysAnswersTheSameFailsEveryRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"time":"x"}`))
	}))
	defer server.Close()
	requireFailed(t, everything, newman(t, everything,
		"baseUrl="+server.URL, "failingUrl="+server.URL, "overloadedUrl="+server.URL, "stoppingUrl="+server.URL))
}

// Every answer is that of a real service, spoilt a little in each respect but its status.
func TestEveryCheckOfEveryAnswerCanFail(t *testing.T) {
	r := newman(t, everything, "margin=-100000",
		"baseUrl="+spoilt(t, usual(t)), "failingUrl="+spoilt(t, trouble.Failing(t)),
		"overloadedUrl="+spoilt(t, trouble.Overloaded(t)), "stoppingUrl="+spoilt(t, trouble.Stopping(t)))
	requireFailed(t, everything, r)
	for _, e := range r.last() {
		failures := strings.Join(e.failures(), "\n")
		for _, check := range []string{
			"the answer comes within the timeout: ", "the media type is that of ", "the body is as documented: ",
			"the answer has a request id: ", "pages of other origins cannot read the answer: ",
		} {
			if strings.HasPrefix(e.Item.Name, "204") && strings.Contains(check, "body") {
				continue // net/http sends no body with this status
			}
			assert.Contains(t, failures, check, e.Item.Name)
		}
		assert.NotContains(t, failures, "the status is ", e.Item.Name)
	}
}

// spoilt is the URL of a service whose answers are spoilt on their way.
func spoilt(t *testing.T, h *harness.Hedgerow) string {
	p := proxy(t, h)
	p.ModifyResponse = func(response *http.Response) error {
		response.Header.Set("Content-Type", "text/plain")
		response.Header.Set("Access-Control-Allow-Origin", "*")
		response.Header.Del("X-Request-Id")
		response.Header.Del("Content-Length")
		response.ContentLength = -1
		body, err := io.ReadAll(response.Body)
		if string(body) == "[]" {
			body = []byte("[{}]")
		}
		spoilt := bytes.Replace(body, []byte("{"), []byte(`{"x":1,`), 1)
		response.Body = io.NopCloser(bytes.NewReader(bytes.Replace(spoilt, []byte(",}"), []byte("}"), 1)))
		return err
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return server.URL
}

// unlucky passes the first n calls with the usual timeout on to a failing service, and all others to a working one.
func unlucky(t *testing.T, n int) *httptest.Server {
	working := proxy(t, usual(t, "HEDGEROW_TESTSERVER_FAIL=0"))
	failing := proxy(t, trouble.Failing(t))
	var mu sync.Mutex
	calls := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		calls[r.Method+r.RequestURI]++
		bad := r.URL.RawQuery == "timeout=3000" && calls[r.Method+r.RequestURI] <= n
		mu.Unlock()
		if bad {
			failing.ServeHTTP(w, r)
		} else {
			working.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func proxy(t *testing.T, h *harness.Hedgerow) *httputil.ReverseProxy {
	target, err := url.Parse(h.URL())
	require.NoError(t, err)
	return httputil.NewSingleHostReverseProxy(target)
}

func TestACallThatHasNoSuccessByChanceIsMadeAgain(t *testing.T) {
	r := newman(t, everyDeployment, "baseUrl="+unlucky(t, 2).URL)
	requirePassed(t, everyDeployment, r)
	assert.Len(t, r.executions, len(requests(t, everyDeployment))+3*2)
}

func TestACallThatNeverHasASuccessFails(t *testing.T) {
	r := newman(t, everyDeployment, "baseUrl="+unlucky(t, 3).URL)
	assert.False(t, r.passed, r.output)
	failed := 0
	for i, e := range r.last() {
		if len(e.failures()) > 0 {
			failed++
			assert.Contains(t, e.failures()[0], "the status is 200", requests(t, everyDeployment)[i].path)
		}
	}
	assert.Equal(t, 3, failed, "all, first and smart")
}
