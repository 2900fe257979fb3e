package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
	"hedgerow/test/logtest"
)

// TestMain lets the test binary be the program itself: tests of signals and exit codes start it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("HEDGEROW_TEST_MAIN") != "" {
		_ = os.Unsetenv("HEDGEROW_TEST_MAIN")
		main()
	}
	os.Exit(m.Run())
}

// process is a running hedgerow.
type process struct {
	*exec.Cmd
	stdout bytes.Buffer
	log    *logtest.Log
}

// start runs the program with nothing of the tester's settings. Addresses are free ones on the loopback interface.
func start(t *testing.T, environment []string, args ...string) *process {
	t.Helper()
	log := &logtest.Log{}
	p := startWith(t, log, environment, args...)
	p.log = log
	return p
}

// startWith is start with another standard error.
func startWith(t *testing.T, stderr io.Writer, environment []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	p.Env = append([]string{"HEDGEROW_TEST_MAIN=1", "HEDGEROW_ADDR=127.0.0.1:0", "HEDGEROW_ADMIN_ADDR=", "HEDGEROW_TESTSERVER_ADDR=127.0.0.1:0"},
		environment...)
	p.Stdout, p.Stderr = &p.stdout, stderr
	require.NoError(t, p.Start())
	t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// end waits for the program to end and returns its exit code, -1 for a signal.
func (p *process) end(t *testing.T) int {
	t.Helper()
	_ = p.Wait()
	return p.ProcessState.ExitCode()
}

const listening = "listening; the console is at /"

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestThatAnswersAreMadeUpIsAWarningAndStandsInEveryAnswer(t *testing.T) {
	p := start(t, nil, "--testserver-min=1ms", "--testserver-max=1ms", "--testserver-fail=0")
	line := p.log.Wait(t, "msg", listening)
	assert.Equal(t, "built-in testing server", line["api"])
	first, _, _ := strings.Cut(p.log.String(), "\n")
	assert.Contains(t, first, `"level":"WARN"`)
	url := "http://" + line["addr"].(string)
	for _, target := range []string{"/api/first?timeout=5000", "/api/first", "/nope", "/", "/doc.json", "/livez"} {
		response, err := http.Get(url + target)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, []string{"built-in"}, response.Header["Hedgerow-Testing-Server"], target)
	}
	_, body := get(t, url+"/readyz")
	assert.JSONEq(t, `{"status": "ok", "api": "built-in testing server"}`, body)
	_, body = get(t, url+"/livez")
	assert.JSONEq(t, `{"status": "ok"}`, body)
}

func TestWhatAnAPIOfTheFileAnswersIsNotSaidToBeMadeUp(t *testing.T) {
	upstream := faultserver.New(t, faultserver.JSON(`1`))
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apis: {a: {url: "+upstream.URL+"}}\n"), 0o600))
	p := start(t, []string{"HEDGEROW_CONFIG=" + file})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	for _, strategy := range []string{"smart", "first", "all", "within-timeout", "nope"} {
		request, err := http.NewRequest(http.MethodGet, url+"/proxy/a/x", nil)
		require.NoError(t, err)
		request.Header.Set("Hedgerow-Strategy", strategy)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.NotContains(t, response.Header, "Hedgerow-Testing-Server", strategy)
	}
}

func TestWhichAPIIsCalledIsToldWithoutSecrets(t *testing.T) {
	upstream := faultserver.New(t, faultserver.Status(500, ""))
	addr := strings.TrimPrefix(strings.TrimSuffix(upstream.URL, "/api/work"), "http://")
	p := start(t, []string{"EXPONEA_URL=http://secret:secret@" + addr + "/api/wo%2Frk?key=secret"})
	line := p.log.Wait(t, "msg", listening)
	assert.Equal(t, "http://"+addr+"/api/wo%2Frk", line["api"])
	url := "http://" + line["addr"].(string)
	_, body := get(t, url+"/readyz")
	assert.JSONEq(t, `{"status": "ok", "api": "http://`+addr+`/api/wo%2Frk"}`, body)
	response, err := http.Get(url + "/api/first?timeout=5000")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.NotContains(t, response.Header, "Hedgerow-Testing-Server")
	assert.Equal(t, addr, p.log.Wait(t, "msg", "attempts fail")["api"])
	assert.NotContains(t, p.log.String(), "secret")
}

func TestTheAddressOfAnAPIHasItsPort(t *testing.T) {
	for text, want := range map[string]string{
		"http://h/p": "h:80", "https://u:p@h/p": "h:443", "https://h:1/p": "h:1", "http://[::1]/": "[::1]:80",
	} {
		u, err := url.Parse(text)
		require.NoError(t, err)
		assert.Equal(t, want, address(u))
	}
}

func TestWithoutAnUpstreamTheTestingServerStandsInAndTheFirstLogLineSaysSo(t *testing.T) {
	p := start(t, nil, "--testserver-min=1ms", "--testserver-max=2ms", "--testserver-fail=0")
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	first, _, _ := strings.Cut(p.log.String(), "\n")
	assert.Contains(t, first, "built-in testing server")
	for path, pattern := range map[string]string{
		"/api/all":            `^\[{"time":[12]},{"time":[12]},{"time":[12]}\]$`,
		"/api/first":          `^{"time":[12]}$`,
		"/api/within-timeout": `^\[{"time":[12]},{"time":[12]},{"time":[12]}\]$`,
		"/api/smart":          `^{"time":[12]}$`,
	} {
		status, body := get(t, url+path+"?timeout=10000")
		assert.Equal(t, http.StatusOK, status, path)
		assert.Regexp(t, pattern, body, path)
	}
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, p.end(t))
}

func TestExponeaURLIsTheUpstream(t *testing.T) {
	upstream := faultserver.New(t, faultserver.Answer(5))
	p := start(t, []string{"EXPONEA_URL=" + upstream.URL + "?x=y"})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	_, body := get(t, url+"/api/first?timeout=10000")
	assert.Equal(t, `{"time":5}`, body)
	assert.Equal(t, "/api/work?x=y", upstream.Request(0).RequestURI)
	assert.Equal(t, "hedgerow/dev", upstream.Request(0).UserAgent())
	assert.NotContains(t, p.log.String(), "testing server")
}

func TestTestserverRunsTheTestingServerAlone(t *testing.T) {
	p := start(t, nil, "testserver", "--min=1ms", "--max=1ms", "--fail=0")
	status, body := get(t, p.log.Wait(t, "msg", "testing server is listening")["url"].(string))
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"time":1}`, body)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, p.end(t))
}

func TestAnOldNameOfTheTestingServerIsAWarning(t *testing.T) {
	p := start(t, []string{"HEDGEROW_UPSTREAM_FAIL=0"}, "upstream", "--min=1ms")
	for _, warning := range []string{
		"the command upstream is now called testserver", "HEDGEROW_UPSTREAM_FAIL is now called HEDGEROW_TESTSERVER_FAIL",
	} {
		assert.Equal(t, "WARN", p.log.Wait(t, "msg", warning)["level"])
	}
	p.log.Wait(t, "msg", "testing server is listening")
}

func TestARedisWithNothingToShareIsAWarning(t *testing.T) {
	p := start(t, []string{"EXPONEA_URL=http://localhost/", "HEDGEROW_REDIS_URL=redis://localhost:1"})
	p.log.Wait(t, "msg", listening)
	warnings := p.log.Lines("level", "WARN")
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0]["msg"], "HEDGEROW_REDIS_URL is ignored")
}

func TestProbesOfTheAdminAddressAreAnsweredWhenCallersHoldEveryConnection(t *testing.T) {
	upstream := faultserver.New(t, faultserver.Hang(""))
	p := start(t, []string{"EXPONEA_URL=" + upstream.URL, "HEDGEROW_ADMIN_ADDR=127.0.0.1:0", "HEDGEROW_MAX_CONNECTIONS=1"})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	admin := "http://" + p.log.Wait(t, "msg", "admin address is listening")["addr"].(string)
	go func() { _, _ = http.Get(url + "/api/first?timeout=60000") }()
	upstream.WaitForRequests(t, 3)
	for _, path := range []string{"/livez", "/readyz"} {
		status, _ := get(t, admin+path)
		assert.Equal(t, http.StatusOK, status, path)
	}
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.log.Wait(t, "msg", "stopping")
	status, body := get(t, admin+"/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, body, "shutting down")
}

func TestSIGHUPDropsNoCallAndIsLogged(t *testing.T) {
	answer := make(chan struct{})
	upstream := faultserver.New(t, faultserver.When(answer, faultserver.Answer(5)))
	p := start(t, []string{"EXPONEA_URL=" + upstream.URL})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	var call sync.WaitGroup
	call.Go(func() {
		status, _ := get(t, url+"/api/first?timeout=30000")
		assert.Equal(t, http.StatusOK, status)
	})
	upstream.WaitForRequests(t, 3)
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	p.log.Wait(t, "msg", "SIGHUP is ignored: there is no file of APIs to read again")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.log.Wait(t, "msg", "stopping")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	close(answer)
	call.Wait()
	assert.Zero(t, p.end(t))
}

func TestTheAdminAddressHasMetricsAndProfiles(t *testing.T) {
	p := start(t, []string{"HEDGEROW_ADMIN_ADDR=127.0.0.1:0"}, "--testserver-min=1ms", "--testserver-max=1ms", "--testserver-fail=0")
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	admin := "http://" + p.log.Wait(t, "msg", "admin address is listening")["addr"].(string)
	get(t, url+"/api/first?timeout=10000")
	get(t, url+"/api/first")
	status, body := get(t, admin+"/metrics")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `hedgerow_calls_total{endpoint="/api/first",status="200"} 1`)
	assert.Contains(t, body, `hedgerow_calls_total{endpoint="/api/first",status="400"} 1`)
	assert.Contains(t, body, `hedgerow_attempts_total{kind="first",outcome="won"} 1`)
	status, _ = get(t, admin+"/debug/pprof/goroutine?debug=1")
	assert.Equal(t, http.StatusOK, status)
	for name, value := range map[string]string{"Host": "evil.example:5001", "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, admin+"/debug/pprof/cmdline", http.NoBody)
		require.NoError(t, err)
		if request.Header.Set(name, value); name == "Host" {
			request.Host = value
		}
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		assert.Equal(t, http.StatusForbidden, answer.StatusCode, name)
		_ = answer.Body.Close()
	}
	status, _ = get(t, url+"/metrics")
	assert.Equal(t, http.StatusNotFound, status, "callers do not see them")
}

func TestToldToStopItIsNotReadyAndAnswersTheCallsInFlight(t *testing.T) {
	answer := make(chan struct{})
	upstream := faultserver.New(t, faultserver.When(answer, faultserver.Answer(5)))
	p := start(t, []string{"EXPONEA_URL=" + upstream.URL}, "--shutdown-delay=300ms")
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	status, _ := get(t, url+"/readyz")
	assert.Equal(t, http.StatusOK, status)

	var call sync.WaitGroup
	call.Go(func() {
		status, body := get(t, url+"/api/first?timeout=30000")
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, `{"time":5}`, body)
	})
	upstream.WaitForRequests(t, 3)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.log.Wait(t, "msg", "stopping")
	status, body := get(t, url+"/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, body, "shutting down")
	status, _ = get(t, url+"/livez")
	assert.Equal(t, http.StatusOK, status)
	close(answer)
	call.Wait()
	assert.Zero(t, p.end(t))
	assert.Contains(t, p.log.String(), `"msg":"stopped"`)
}

func TestARequestOnItsWayWhenTheServiceStopsListeningIsAnswered(t *testing.T) {
	upstream := faultserver.New(t, faultserver.Answer(5))
	p := start(t, []string{"EXPONEA_URL=" + upstream.URL})
	addr := p.log.Wait(t, "msg", listening)["addr"].(string)
	fresh, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = fresh.Close() }()
	begun, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = begun.Close() }()
	const request = "GET /api/first?timeout=10000 HTTP/1.1\r\nHost: x\r\n\r\n"
	_, err = io.WriteString(begun, request[:10])
	require.NoError(t, err)
	get(t, "http://"+addr+"/livez") // when this one has been accepted, so have those before it

	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.log.Wait(t, "msg", "stopping")
	for conn, rest := range map[net.Conn]string{fresh: request, begun: request[10:]} {
		_, err = io.WriteString(conn, rest)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.True(t, response.Close, "the answer says that the connection ends with it")
	}
	assert.Zero(t, p.end(t))
}

func TestASecondSignalEndsTheProcessAtOnce(t *testing.T) {
	upstream := faultserver.New(t, faultserver.Hang(""))
	p := start(t, []string{"EXPONEA_URL=" + upstream.URL})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	go func() { _, _ = http.Get(url + "/api/first?timeout=60000") }()
	upstream.WaitForRequests(t, 3)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.log.Wait(t, "msg", "stopping")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.end(t)
	status, ok := p.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	assert.Equal(t, syscall.SIGTERM, status.Signal())
}

func TestCallsThatOutliveTheShutdownTimeoutAreAFailure(t *testing.T) {
	upstream := faultserver.New(t, faultserver.Hang(""))
	p := start(t, []string{"EXPONEA_URL=" + upstream.URL, "HEDGEROW_SHUTDOWN_TIMEOUT=10ms"})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	go func() { _, _ = http.Get(url + "/api/first?timeout=60000") }()
	upstream.WaitForRequests(t, 3)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, exitFailure, p.end(t))
	assert.Contains(t, p.log.String(), "hedgerow: calls still in flight after the shutdown timeout of 10ms: 1")
}

func TestAProblemAtTheStartIsOneLineAndAnExitCode(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	addr := taken.Addr().String()
	for name, test := range map[string]struct {
		args []string
		code int
		line string
	}{
		"port taken": {[]string{"--addr=" + addr, "--exponea-url=http://localhost/", "--log-level=error"}, exitFailure,
			"hedgerow: --addr (HEDGEROW_ADDR): cannot listen on " + addr + ": bind: address already in use\n"},
		"admin port taken": {[]string{"--admin-addr=" + addr, "--exponea-url=http://localhost/"}, exitFailure,
			"hedgerow: --admin-addr (HEDGEROW_ADMIN_ADDR): cannot listen on " + addr + ": bind: address already in use\n"},
		"the testing server's port taken": {[]string{"testserver", "--addr=" + addr}, exitFailure,
			"hedgerow: --addr (HEDGEROW_TESTSERVER_ADDR): cannot listen on " + addr + ": bind: address already in use\n"},
		"bad setting": {[]string{"--producers=0"}, exitUsage,
			"hedgerow: --producers (HEDGEROW_PRODUCERS): 0 is below 1\n"},
		"two bad settings": {[]string{"--producers=x", "--max-body=y"}, exitUsage,
			"hedgerow: --producers (HEDGEROW_PRODUCERS): \"x\" is not a whole number\n" +
				"hedgerow: --max-body (HEDGEROW_MAX_BODY): \"y\" is not a size like 65536, 64KiB or 1MiB\n"},
		"repeated flag":   {[]string{"--addr=:1", "--addr=:1"}, exitUsage, "hedgerow: --addr (HEDGEROW_ADDR): is given more than once\n"},
		"unknown flag":    {[]string{"--prodcers=3"}, exitUsage, "hedgerow: unknown flag --prodcers, did you mean \"--producers\"?\n"},
		"unknown command": {[]string{"sevre"}, exitUsage, "hedgerow: unexpected argument sevre\n"},
		"nobody to ask": {[]string{"healthcheck", "--addr=127.0.0.1:1"}, exitFailure,
			"hedgerow: dial tcp 127.0.0.1:1: connect: connection refused\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil, test.args...)
			assert.Equal(t, test.code, p.end(t))
			assert.Equal(t, test.line, p.log.String())
			assert.Empty(t, p.stdout.String())
		})
	}
}

func TestHealthcheckAsksWhetherTheServiceIsReady(t *testing.T) {
	p := start(t, []string{"EXPONEA_URL=http://localhost/"})
	_, port, err := net.SplitHostPort(p.log.Wait(t, "msg", listening)["addr"].(string))
	require.NoError(t, err)
	for _, addr := range []string{":" + port, "127.0.0.1:" + port, "0.0.0.0:" + port} {
		assert.Zero(t, start(t, []string{"HEDGEROW_ADDR=" + addr, "HTTP_PROXY=http://127.0.0.1:1"}, "healthcheck").end(t), addr)
	}
	assert.Equal(t, exitFailure, start(t, []string{"HEDGEROW_ADDR=:" + port}, "healthcheck", "--path=/nope").end(t))
}

func TestCallersThatHoldEveryConnectionDoNotFailItsHealthcheck(t *testing.T) {
	p := start(t, []string{"EXPONEA_URL=http://localhost/", "HEDGEROW_ADMIN_ADDR=127.0.0.1:0", "HEDGEROW_MAX_CONNECTIONS=1"})
	admin := p.log.Wait(t, "msg", "admin address is listening")["addr"].(string)
	addr := p.log.Wait(t, "msg", listening)["addr"].(string)
	get(t, "http://"+addr+"/livez") // its connection is kept, and holds the only place
	settings := []string{"HEDGEROW_ADDR=" + addr, "HEDGEROW_ADMIN_ADDR=" + admin}
	assert.Zero(t, start(t, settings, "healthcheck").end(t))
	assert.Equal(t, exitFailure, start(t, settings, "healthcheck", "--addr="+addr, "--timeout=100ms").end(t), "an address that is given is asked")
}

func TestVersionAndHelp(t *testing.T) {
	var out bytes.Buffer
	assert.Zero(t, run(context.Background(), []string{"version"}, &out, io.Discard))
	assert.Regexp(t, `^hedgerow dev go1\.\d+\S* \w+/\w+\n$`, out.String())
	version := out.String()
	out.Reset()
	assert.Zero(t, run(context.Background(), []string{"--version"}, &out, io.Discard))
	assert.Equal(t, version, out.String())
	out.Reset()
	assert.Zero(t, run(context.Background(), []string{"--help"}, &out, io.Discard))
	for _, text := range []string{"serve", "testserver", "healthcheck", "version"} {
		assert.Contains(t, out.String(), text)
	}
}

func TestTheLogsLevelAndFormat(t *testing.T) {
	p := start(t, []string{"EXPONEA_URL=http://localhost/"}, "--log-format=text")
	require.Eventually(t, func() bool { return strings.Contains(p.log.String(), `msg="listening`) }, 10*time.Second, time.Millisecond)
	p = start(t, []string{"EXPONEA_URL=http://127.0.0.1:1/", "DEBUG=true"})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	get(t, url+"/api/first?timeout=1000")
	assert.Equal(t, "DEBUG", p.log.Wait(t, "msg", "attempt failed")["level"])
	assert.Contains(t, p.log.Wait(t, "msg", "attempt failed")["error"], "127.0.0.1:1", "the log is told the whole truth")
}

func TestWhyAttemptsFailIsLoggedAtTheUsualLevel(t *testing.T) {
	p := start(t, []string{"EXPONEA_URL=http://127.0.0.1:1/"})
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	for range 3 {
		get(t, url+"/api/all?timeout=10000")
	}
	line := p.log.Wait(t, "msg", "attempts fail")
	assert.Equal(t, "WARN", line["level"])
	assert.Equal(t, "connection refused", line["reason"])
	assert.Contains(t, line["error"], "127.0.0.1:1: connect: connection refused")
	require.Eventually(t, func() bool { return strings.Count(p.log.String(), `"msg":"request"`) == 3 }, 10*time.Second, time.Millisecond)
	assert.Equal(t, 1, strings.Count(p.log.String(), "attempts fail"), "one line for nine failures")
}
