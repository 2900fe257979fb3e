// Package secrets looks for the secrets of the file of APIs, and of the other settings, in everything that the process writes and serves.
package secrets

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
)

func TestMain(m *testing.M) { harness.Main(m) }

const patience = 20 * time.Second

// variables have a secret each. Those for a URL have only what may stand there.
var variables = map[string]string{
	"IN_SET": `Zq1"header/+ %s3cret&<9`, "IN_PATH": "Zq2pathS3cretWord", "IN_HOST": "zq3hosts3cretword", "IN_EXAMPLE": "Zq4exampleS3cret",
	"IN_CONDITION": "Zq5conditionS3cret", "IN_ROUTE": "Zq6routeS3cretWord", "IN_FOLDER": "Zq7folderS3cretWord", "IN_STRATEGY": "Zq8strategyS3cret",
}

// others are secrets that no variable of the file has.
var others = map[string]string{ //nolint:gosec // nobody's
	"IN_FILE": "Zq9file/S3cret+Word", "IN_PASSWORD": "Zq10passwordS3cret", "IN_QUERY": "Zq11queryS3cretWord",
	"IN_OTEL_HEADER": "Zq12otel/S3cret+Word", "IN_OTEL_QUERY": "Zq13otelS3cretQuery", "IN_OTEL_PASSWORD": "Zq14otelS3cretUser",
	"IN_REDIS": "Zq15redis/S3cret+Word",
}

func allSecrets() map[string]string {
	all := maps.Clone(variables)
	maps.Copy(all, others)
	return all
}

func environment(extra ...string) []string {
	for name, secret := range variables {
		extra = append(extra, name+"="+secret)
	}
	return extra
}

// texts are what APIs say that would like the log to have it: the header that they got.
func texts() []faultserver.Behaviour {
	told := variables["IN_SET"]
	return []faultserver.Behaviour{
		faultserver.JSON(`{"status":"ok"}`),
		faultserver.Raw("HTTP/1.1 200 OK\r\n"+told+"\r\nContent-Length: 0\r\n\r\n", false),
		faultserver.Raw(told+" 200 OK\r\n\r\n", false),
		faultserver.Raw("HTTP/1.1 200 OK\r\nContent-Length: "+told+"\r\n\r\n", false),
		faultserver.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+told+"\r\n", false),
		faultserver.Raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "+strconv.Itoa(len(told))+"\r\n\r\n"+told, false),
		faultserver.Raw("HTTP/1.1 204 No Content\r\n\r\n"+told+"\r\n\r\n", true),
		faultserver.JSON(`{"status":"` + strings.Trim(told, `"`) + `"}`),
		faultserver.Raw("HTTP/1.1 050 "+told+"\r\n\r\n", false),
		faultserver.Reset("HTTP/1.1 200 OK\r\n" + told),
		faultserver.Close(),
	}
}

// service is the binary in a folder with a file of APIs.
type service struct {
	*harness.Hedgerow

	file, stdout string
	collector    *collector
}

// file is one with a secret wherever there may be one.
func fileText(t *testing.T, folder, api string) string {
	t.Helper()
	secret := filepath.Join(folder, variables["IN_FOLDER"])
	require.NoError(t, os.MkdirAll(secret, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "key"), []byte(others["IN_FILE"]+"\n"), 0o600))
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	silent := faultserver.New(t, faultserver.Hang(""))
	return strings.NewReplacer("%api%", api, "%tls%", tls.URL, "%silent%", strings.TrimSuffix(silent.URL, "/api/work")).Replace(`
defaults: {timeout: 300ms, attempts: 1}
apis:
  well:
    url: "%api%/${IN_PATH}"
    methods: [GET, HEAD, POST]
    strategy: "${IN_REAL_STRATEGY}"
    set: {Authorization: "Bearer ${IN_SET}", X-Key: "${file:key}"}
    example: "/x?key=${IN_EXAMPLE}"
    success: {if: 'json("status") == "ok" && header("X-Key") != "${IN_CONDITION}"'}
    routes: {"GET /route/": {success: {if: 'header("X") == "${IN_ROUTE}"'}, attempts: 3}}
  refusing: {url: "http://127.0.0.1:1/${IN_PATH}", set: {Authorization: "${IN_SET}"}}
  unknown: {url: "http://${IN_HOST}.invalid/", timeout: 3s}
  other: {urls: ["http://127.0.0.1:1", "http://${IN_HOST}.invalid/${IN_PATH}"], strategy: first, attempts: 2, timeout: 3s}
  secure: {url: "%tls%/${IN_PATH}", timeout: 3s, set: {Authorization: "${IN_SET}"}}
  named: {url: "https://${IN_HOST}.localhost:1/", timeout: 3s}
  silent: {url: "%silent%/${IN_PATH}", set: {Authorization: "${IN_SET}"}}
`)
}

func start(t *testing.T) *service {
	t.Helper()
	upstream := faultserver.New(t, texts()...)
	api := strings.TrimSuffix(upstream.URL, "/api/work")
	folder := t.TempDir()
	s := &service{file: filepath.Join(folder, "apis.yaml"), stdout: filepath.Join(folder, "stdout"), collector: newCollector(t)}
	require.NoError(t, os.WriteFile(s.file, []byte(fileText(t, folder, api)), 0o600))
	failing := faultserver.New(t, faultserver.Status(500, ""))
	exponea := strings.Replace(failing.URL, "http://", "http://user:"+others["IN_PASSWORD"]+"@", 1) + "?key=" + others["IN_QUERY"]
	s.Hedgerow = harness.StartUnder(t, []string{"sh", "-c", `exec "$0" >"$STDOUT"`}, environment("STDOUT="+s.stdout, "HEDGEROW_CONFIG="+s.file,
		"EXPONEA_URL="+exponea, "DEBUG=true", "IN_REAL_STRATEGY=first", "HEDGEROW_REDIS_URL="+newRedis(t),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+s.collector.endpoint(), otelHeader(), "OTEL_BSP_SCHEDULE_DELAY=100")...)
	return s
}

func TestNoSecretOfTheFileShowsInAnythingThatTheProcessWritesOrServes(t *testing.T) {
	s := start(t)
	seen := s.call(t)
	s.reload(t)
	maps.Copy(seen, s.pages(t))
	s.Log.Wait(t, "msg", "spans are lost")
	s.collector.mu.Lock()
	seen["the spans"] = s.collector.spans.String()
	s.collector.mu.Unlock()
	assert.Contains(t, seen["the spans"], "hedgerow.attempt.outcome")
	require.NoError(t, s.Process.Signal(syscall.SIGQUIT)) // Go writes every stack
	s.End(t, patience)
	stdout, err := os.ReadFile(s.stdout)
	require.NoError(t, err)
	seen["standard error"], seen["standard output"] = s.Log.String(), string(stdout)
	for _, said := range []string{"unknown host", "connection refused", "TLS failure", "invalid response", "corrupt body", "condition not met", "attempt failed", "unknown command", "SIGQUIT"} {
		assert.Contains(t, seen["standard error"], said)
	}
	assertHidden(t, allSecrets(), seen)
}

// call makes calls of every kind and returns the answers that are of the service's own making.
func (s *service) call(t *testing.T) map[string]string {
	t.Helper()
	answers := map[string]string{}
	for i := range len(texts()) + 1 { // one after the other, so that each text is an answer's
		answers[fmt.Sprintf("an answer of well, %d", i)] = get(t, s.URL()+"/proxy/well/x", "X-Dropped", "1")
	}
	var mu sync.Mutex
	var calls sync.WaitGroup
	for _, path := range []string{
		"/proxy/well/route/x", "/proxy/refusing/x", "/proxy/unknown/x", "/proxy/other/x", "/proxy/secure/x", "/proxy/named/x", "/proxy/silent/x", "/proxy/nope", "/proxy/well/../x",
		"/proxy/well/x?%zz", "/api/all?timeout=500", "/api/first?timeout=0", "/nope",
	} {
		for _, strategy := range []string{"smart", "all", "within-timeout", "nope"} {
			calls.Go(func() {
				answer := get(t, s.URL()+path, "Hedgerow-Strategy", strategy)
				mu.Lock()
				defer mu.Unlock()
				answers[path+" by "+strategy] = answer
			})
		}
	}
	calls.Wait()
	return answers
}

// broken has a secret in a bad value of every kind.
const broken = `
defaults: {timeout: "${IN_SET}", max_timeout: "${IN_PATH}"}
apis:
  a: {url: "${IN_SET}"}
  b: {url: "ftp://${IN_PATH}"}
  c: {url: "http://user:${IN_PATH}@x/"}
  d: {url: "http://x:${IN_PATH}/"}
  e: {url: "http://x/?${IN_PATH}"}
  f: {url: "http://${IN_SET}/%zz"}
  g: {urls: ["http://x", "${IN_SET}"], spread: "${IN_SET}", protocol: "${IN_SET}", strategy: "${IN_STRATEGY}", attempts: "${IN_PATH}", max_in_flight: "${IN_PATH}"}
  h: {url: "http://x", hedge: {delay: "${IN_PATH}"}, methods: ["${IN_SET}", "${IN_PATH}"], repeatable: "${IN_PATH}", idempotency_key: "${IN_PATH}"}
  i: {url: "http://x", forward: {headers: ["${IN_SET}"]}, remove: ["${IN_SET}"], keep: ["${IN_SET}"], max_request_body: "${IN_PATH}", max_body: "${IN_PATH}"}
  j: {url: "http://x", success: {status: ["${IN_PATH}"], if: 'json("${IN_CONDITION}'}, tls: {ca: "${IN_FOLDER}", cert: "/${IN_FOLDER}/x", key: "${IN_PATH}"}}
  k: {url: "http://x", example: "${IN_EXAMPLE}", set: {Authorization: "${IN_SET}\n"}, routes: {"GET /": {timeout: "${IN_ROUTE}", success: {if: '${IN_ROUTE} ='}}}}
  l: {url: "http://x", success: {if: '"${IN_CONDITION}"'}, set: {X: "${file:key}\x00"}, max_timeout: 1s, timeout: "${IN_ROUTE}"}
  m: {url: "http://x", set: ["${IN_SET}"], methods: "${IN_SET}", "${IN_SET}": 1}
  "${IN_SET}": {url: "http://x"}
`

// reload has the service read a bad file, one that is not YAML, and none.
func (s *service) reload(t *testing.T) {
	t.Helper()
	const told = "the file of APIs cannot be read again, and nothing changes"
	good, err := os.ReadFile(s.file)
	require.NoError(t, err)
	for _, text := range []string{broken, "apis: {a: {url: \"${IN_SET}\"", "apis:\n\ta: ${IN_SET}\n"} {
		before := len(s.Log.Lines("msg", told))
		require.NoError(t, os.WriteFile(s.file, []byte(text), 0o600))
		require.NoError(t, s.Process.Signal(syscall.SIGHUP))
		require.Eventually(t, func() bool { return len(s.Log.Lines("msg", told)) > before }, patience, 10*time.Millisecond)
	}
	require.NoError(t, os.WriteFile(s.file, good, 0o600))
	require.NoError(t, s.Process.Signal(syscall.SIGHUP))
	s.Log.Wait(t, "msg", "the file of APIs has been read again")
}

func TestNoSecretShowsInWhatCheckAndAStartThatFailsSay(t *testing.T) {
	folder := t.TempDir()
	good, bad := filepath.Join(folder, "good.yaml"), filepath.Join(folder, "bad.yaml")
	require.NoError(t, os.WriteFile(good, []byte(fileText(t, folder, "http://127.0.0.1:1")), 0o600))
	require.NoError(t, os.WriteFile(bad, []byte(broken), 0o600))
	said := map[string]string{}
	for what, run := range map[string]struct {
		args        []string
		environment []string
		code        int
	}{
		"check of a good file":   {[]string{"check", good}, nil, 0},
		"check of a bad file":    {[]string{"check", bad}, nil, 1},
		"a start with a bad one": {[]string{"serve", "--addr=127.0.0.1:0", "--config", bad}, nil, 1},
		"a bad collector": {[]string{"serve"}, []string{
			"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://user:" + others["IN_OTEL_PASSWORD"] + "@x/?" + others["IN_OTEL_QUERY"], otelHeader() + "%zz",
		}, 2},
		"a start with a bad URL": {[]string{"serve"}, []string{"EXPONEA_URL=ftp://user:" + others["IN_PASSWORD"] + "@x/?" + others["IN_QUERY"]}, 2},
		"a URL that is not one":  {[]string{"serve"}, []string{"EXPONEA_URL=http://user:" + others["IN_PASSWORD"] + "@x:y/%zz"}, 2},
		"a URL without a scheme": {[]string{"serve"}, []string{"EXPONEA_URL=user:" + others["IN_PASSWORD"] + "@x/"}, 2},
		"a Redis without a host": {[]string{"serve"}, []string{"HEDGEROW_REDIS_URL=redis://user:" + others["IN_REDIS"] + "@"}, 2},
		"bad settings":           {[]string{"serve"}, []string{"HEDGEROW_UNKNOWN=" + others["IN_PASSWORD"], "EXPONEA_URL=http://x/ ?" + others["IN_QUERY"]}, 2},
	} {
		command := exec.Command(harness.Binary(t), run.args...)
		command.Env = environment(append(slices.Clone(run.environment), "IN_REAL_STRATEGY=first")...)
		var out bytes.Buffer
		command.Stdout, command.Stderr = &out, &out
		_ = command.Run() // the code tells
		assert.Equal(t, run.code, command.ProcessState.ExitCode(), "%s: %s", what, out.String())
		assert.NotEmpty(t, out.String())
		said[what] = out.String()
	}
	assert.GreaterOrEqual(t, strings.Count(said["check of a bad file"], "\n"), 35, "each bad value is told: %s", said["check of a bad file"])
	for _, name := range []string{"${IN_PATH}", "${IN_SET}", "${IN_EXAMPLE}", "${IN_CONDITION}", "${IN_HOST}", "${file:key}"} {
		assert.Contains(t, said["check of a good file"], name, "as it is written")
	}
	assertHidden(t, allSecrets(), said)
}
