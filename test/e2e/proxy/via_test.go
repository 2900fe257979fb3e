package proxy

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/e2e/rawhttp"
)

// startPlainly runs the binary with these APIs. What it holds when the test ends is not looked at: its connections are those of the
// other process.
func startPlainly(t *testing.T, apis string) *service {
	t.Helper()
	s := &service{file: filepath.Join(t.TempDir(), "apis.yaml")}
	s.write(t, apis)
	s.Hedgerow = harness.Start(t, "HEDGEROW_CONFIG="+s.file, "EXPONEA_URL=http://127.0.0.1:9/")
	return s
}

func TestTwoProcessesInARowAreNoCircle(t *testing.T) {
	a := rawhttp.Serve(t, rawhttp.Always(rawhttp.OK("well")))
	behind := startPlainly(t, one(a))
	front := startPlainly(t, fmt.Sprintf("  front: {url: 'http://%s/proxy/a', attempts: 1}\n", behind.Addr))
	got := front.ask(t, "GET /proxy/front/x")
	assert.Equal(t, "200", got.Status())
	assert.Equal(t, "well", got.Body)
	words := regexp.MustCompile(`^Via: 1\.1 (\S+), 1\.1 (\S+)$`).FindStringSubmatch(only(t, a).All("Via")[0])
	require.NotNil(t, words)
	assert.NotEqual(t, words[1], words[2], "each process has a pseudonym of its own")
	assert.Equal(t, []string{"Via: 1.1 " + words[2] + ", 1.1 " + words[1]}, got.All("Via"), "and back")
}

func TestAnAPIThatIsThisVeryServiceEndsAs508(t *testing.T) {
	s := startPlainly(t, "  other: {url: 'http://h'}\n")
	s.write(t, fmt.Sprintf("  circle: {url: 'http://%s/proxy/circle', timeout: 10s}\n", s.Addr))
	s.reload(t, taken)
	assert.Equal(t, "508", s.ask(t, "GET /proxy/circle/x").Status())
	assert.Eventually(t, func() bool { return len(s.Log.Lines("api", "circle")) == 2 }, patience, time.Millisecond, "it ends in its second round")
}

func TestAHedgeNeverWaitsOnTheConnectionOfItsPredecessor(t *testing.T) {
	a := rawhttp.Serve(t, func(request string) rawhttp.Reply {
		if strings.HasPrefix(request, "GET /warm") {
			return rawhttp.OK("warm")
		}
		return rawhttp.Reply{Hang: true}
	})
	s := start(t, fmt.Sprintf("  a: {url: '%s', timeout: 1s, hedge: {delay: 50ms}}\n", a.URL()), a)
	assert.Equal(t, "warm", s.ask(t, "GET /proxy/a/warm").Body)
	began := time.Now()
	assert.Equal(t, "504", s.ask(t, "GET /proxy/a/x").Status())
	assert.GreaterOrEqual(t, time.Since(began), time.Second)
	assert.Equal(t, 3, a.Connections(), "each attempt has its own; the first one took the one that was kept")
	assert.Equal(t, 4, a.Count())
}
