package proxy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/e2e/rawhttp"
)

// broken are files that end the start, and where the first problem is.
var broken = map[string]struct{ text, at string }{
	"empty":                  {"", "1:1"},
	"only a comment":         {"# nothing", "1:1"},
	"no API at all":          {"apis: {}", "1:7"},
	"only defaults":          {"defaults: {timeout: 1s}", "1:1"},
	"unknown key":            {"apis:\n  a: {url: 'http://h', timout: 1s}", "2:24"},
	"unknown key at top":     {"api: {a: {url: 'http://h'}}\napis: {a: {url: 'http://h'}}", "1:1"},
	"repeated key":           {"apis:\n  a:\n    url: http://h\n    url: http://h", "4:5"},
	"two APIs of one name":   {"apis:\n  a: {url: 'http://h'}\n  a: {url: 'http://h'}", "3:3"},
	"a number for a list":    {"apis: {a: {url: 'http://h', methods: 5}}", "1:38"},
	"a list for a map":       {"apis: [a, b]", "1:7"},
	"a map for a value":      {"apis: {a: {url: {b: c}}}", "1:17"},
	"a word for a bool":      {"apis: {a: {url: 'http://h', repeatable: yes}}", "1:41"},
	"a tab":                  {"apis:\n\ta: {url: 'http://h'}", "2:1"},
	"an anchor":              {"apis: {a: &x {url: 'http://h'}}", "1:11"},
	"billion laughs":         {"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\napis: *c", "1:1"},
	"several documents":      {"apis: {a: {url: 'http://h'}}\n---\napis: {b: {url: 'http://h'}}", "2:1"},
	"bad duration":           {"apis: {a: {url: 'http://h', timeout: soon}}", "1:38"},
	"no unit":                {"apis: {a: {url: 'http://h', timeout: 5}}", "1:38"},
	"timeout over max":       {"apis: {a: {url: 'http://h', timeout: 5s, max_timeout: 2s}}", "1:38"},
	"bad size":               {"apis: {a: {url: 'http://h', max_body: 1MB}}", "1:39"},
	"bad URL":                {"apis: {a: {url: 'http://[::1'}}", "1:17"},
	"URL with a user":        {"apis: {a: {url: 'http://u:p@h'}}", "1:17"},
	"URL beside URLs":        {"apis: {a: {url: 'http://h', urls: ['http://h']}}", "1:35"},
	"bad regular expression": {"apis: {a: {url: 'http://h', success: {if: 'header(\"X\") matches \"(\"'}}}", "1:43"},
	"bad expression":         {"apis: {a: {url: 'http://h', success: {if: 'json('}}}", "1:43"},
	"bad status":             {"apis: {a: {url: 'http://h', success: {status: [6xx]}}}", "1:48"},
	"TRACE":                  {"apis: {a: {url: 'http://h', methods: [GET, TRACE]}}", "1:44"},
	"CONNECT":                {"apis: {a: {url: 'http://h', methods: [CONNECT]}}", "1:39"},
	"unset variable":         {"apis: {a: {url: 'http://h', set: {X: '${NOT_SET}'}}}", "1:38"},
	"empty variable":         {"apis: {a: {url: 'http://h', set: {X: '${EMPTY}'}}}", "1:38"},
	"${ unclosed":            {"apis: {a: {url: 'http://h', set: {X: '${NOT_SET'}}}", "1:38"},
	"missing secret":         {"apis: {a: {url: 'http://h', set: {X: '${file:nope}'}}}", "1:38"},
	"conflicting patterns":   {"apis: {a: {url: 'http://h', routes: {'/{x}': {}, '/{y}': {}}}}", "1:50"},
	"a route's own URL":      {"apis: {a: {url: 'http://h', routes: {/x: {url: 'http://h'}}}}", "1:43"},
	"not UTF-8":              {"apis: {a\xff: {url: 'http://h'}}", "1:9"},
	"over 1 MiB":             {"apis: {a: {url: 'http://h'}}\n" + strings.Repeat("# x\n", 1<<18), "1:1"},
	"1 MiB of keys":          {strings.Repeat("k: 1\n", 1<<18), "1:1"},
	"not YAML":               {"apis: {a: {url: 'http://h'}", "1:7"},
}

func TestABrokenFileEndsTheStartWithItsProblemsAndTheirPlaces(t *testing.T) {
	for name, b := range broken {
		file := filepath.Join(t.TempDir(), "apis.yaml")
		require.NoError(t, os.WriteFile(file, []byte(b.text), 0o600))
		place := regexp.QuoteMeta(file) + ":" + b.at
		if name == "1 MiB of keys" { // not where it begins, but where it is too much
			place = regexp.QuoteMeta(file) + `:\d+:\d+`
		}
		assertEnds(t, name, file, "^hedgerow: "+place+": ")
	}
	missing := filepath.Join(t.TempDir(), "apis.yaml")
	assertEnds(t, "missing", missing, "^hedgerow: "+regexp.QuoteMeta(missing)+": there is no such file")
	assertEnds(t, "a directory", filepath.Dir(missing), "^hedgerow: "+regexp.QuoteMeta(filepath.Dir(missing))+": cannot be read: is a directory")
}

// assertEnds checks that neither serve nor check takes a file, that the first problem is the one wanted, and that there is no stack.
func assertEnds(t *testing.T, name, file, want string) {
	t.Helper()
	for _, arguments := range [][]string{{"serve", "--config=" + file}, {"check", file}} {
		command := exec.Command(harness.Binary(t), arguments...)
		command.Env = []string{"EMPTY=", "HEDGEROW_ADDR=127.0.0.1:0", "HEDGEROW_ADMIN_ADDR=", "HEDGEROW_TESTSERVER_ADDR=127.0.0.1:0"}
		began := time.Now()
		output, err := command.CombinedOutput()
		var ended *exec.ExitError
		require.ErrorAs(t, err, &ended, name)
		assert.Equal(t, 1, ended.ExitCode(), name)
		assert.Regexp(t, want, string(output), name)
		assert.NotContains(t, string(output), "goroutine ", name)
		assert.Less(t, time.Since(began), 10*time.Second, name)
		for line := range strings.Lines(string(output)) {
			assert.True(t, strings.HasPrefix(line, "hedgerow: "+file+":"), "%s: a line for each problem, and nothing else: %s", name, line)
		}
	}
}

func TestCheckWarnsWhenACredentialGoesToSeveralHosts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apis:\n  a: {urls: ['http://one', 'http://two'], set: {X-Key: '${TOKEN}'}, example: '/x?y'}\n"), 0o600))
	command := exec.Command(harness.Binary(t), "check", file)
	command.Env = []string{"TOKEN=s3cret"}
	output, err := command.CombinedOutput()
	require.NoError(t, err)
	assert.Contains(t, string(output), "warning: the same X-Key of set goes to 2 hosts: one and two\n")
	assert.Contains(t, string(output), "X-Key: ${TOKEN}")
	assert.Contains(t, string(output), "curl 'localhost:5000/proxy/a/x?y'")
	assert.NotContains(t, string(output), "s3cret")
}

// reload tells the service to read its file again, and waits until it has said so.
func (s *service) reload(t *testing.T, says string) {
	t.Helper()
	before := len(s.Log.Lines("msg", says))
	require.NoError(t, s.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return len(s.Log.Lines("msg", says)) > before }, patience, time.Millisecond)
}

const (
	taken   = "the file of APIs has been read again"
	refused = "the file of APIs cannot be read again, and nothing changes"
)

func TestAFileThatIsBadOrGoneAtSIGHUPChangesNothingAndIsTold(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("well")))
	apis := fmt.Sprintf("  a: {url: '%s', attempts: 1}\n", a.URL())
	s := start(t, apis, a)
	good, err := os.ReadFile(s.file)
	require.NoError(t, err)
	asked := 0
	calls := func(what string) {
		t.Helper()
		assert.Equal(t, "well", s.ask(t, "GET /proxy/a/x").Body, what)
		asked++
	}
	calls("before")
	for _, bad := range []struct {
		what, problem string
		spoil         func() error
	}{
		{"it vanishes", s.file + ": there is no such file", func() error { return os.Remove(s.file) }},
		{"it is a directory", s.file + ": cannot be read: is a directory", func() error { return os.Mkdir(s.file, 0o700) }},
		{"it is empty", s.file + ":1:1: the file is empty", func() error {
			if err := os.Remove(s.file); err != nil {
				return err
			}
			return os.WriteFile(s.file, nil, 0o600)
		}},
		{"it names another API and has a mistake", s.file + ":1:", func() error {
			return os.WriteFile(s.file, []byte("apis: {b: {url: 'http://h', timout: 1s}}"), 0o600)
		}},
	} {
		require.NoError(t, bad.spoil())
		s.reload(t, refused)
		lines := s.Log.Lines("msg", refused)
		assert.Contains(t, lines[len(lines)-1]["problem"], bad.problem)
		assert.Equal(t, "ERROR", lines[len(lines)-1]["level"])
		calls(bad.what)
		assert.Equal(t, "404", s.ask(t, "GET /proxy/b/x").Status(), bad.what)
	}
	assert.Equal(t, 1, a.Connections(), "the connection was kept all the time")
	require.NoError(t, os.WriteFile(s.file, good, 0o600))
	s.reload(t, taken)
	calls("after")
	assert.Equal(t, 1, a.Connections(), "an API that did not change keeps its connections")
	assert.Equal(t, asked, s.counted(t, "a"), "and what was counted of it")
}

var proxied = regexp.MustCompile(`(?m)^hedgerow_proxy_calls_total\{api="(\w+)",status="200"\} (\d+)$`)

// counted is how many calls to an API were answered with 200, by the metrics.
func (s *service) counted(t *testing.T, api string) int {
	t.Helper()
	for _, match := range proxied.FindAllStringSubmatch(s.admin(t, "/metrics"), -1) {
		if match[1] == api {
			var n int
			_, err := fmt.Sscan(match[2], &n)
			require.NoError(t, err)
			return n
		}
	}
	return 0
}

func TestSecretsAreReadAgainAtSIGHUP(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("{}")))
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("0ld\n"), 0o600))
	s := start(t, fmt.Sprintf("  a: {url: '%s', attempts: 1, set: {Authorization: 'Bearer ${file:%s}'}}\n", a.URL(), token), a)
	sent := func() []string {
		assert.Equal(t, "200", s.ask(t, "GET /proxy/a/x").Status())
		return only(t, a).All("Authorization")
	}
	assert.Equal(t, []string{"Authorization: Bearer 0ld"}, sent())
	require.NoError(t, os.WriteFile(token, []byte("n3w\n"), 0o600))
	assert.Equal(t, []string{"Authorization: Bearer 0ld"}, sent())
	s.reload(t, taken)
	assert.Equal(t, []string{"Authorization: Bearer n3w"}, sent())
	require.NoError(t, os.Remove(token))
	s.reload(t, refused)
	assert.Equal(t, []string{"Authorization: Bearer n3w"}, sent())
	for _, secret := range []string{"0ld", "n3w"} {
		assert.NotContains(t, s.Log.String(), secret)
	}
}
