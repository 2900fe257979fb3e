package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
	"hedgerow/test/metricstest"
)

// observed is a running service whose metrics a test reads.
type observed struct {
	url, admin string
}

func startObserved(t *testing.T, environment []string, args ...string) observed {
	t.Helper()
	p := start(t, append(environment, "HEDGEROW_ADMIN_ADDR=127.0.0.1:0"), args...)
	return observed{
		url:   "http://" + p.log.Wait(t, "msg", listening)["addr"].(string),
		admin: p.log.Wait(t, "msg", "admin address is listening")["addr"].(string),
	}
}

// scrape returns what the admin address says now.
func (o observed) scrape(t *testing.T) metricstest.Scrape {
	t.Helper()
	return metricstest.Get(t, o.admin)
}

// ended counts the attempts of an outcome, of both kinds.
func ended(scrape metricstest.Scrape, outcome string) int {
	return int(scrape.Sum("hedgerow_attempts_total", "outcome", outcome))
}

// sent counts the attempts that have ended, those left out that were never sent.
func sent(scrape metricstest.Scrape) int {
	return int(scrape.Sum("hedgerow_attempts_total")) - ended(scrape, "refused")
}

// oddRequest sends a request as it is and reads the status of the answer.
func oddRequest(t *testing.T, addr, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprint(conn, text)
	require.NoError(t, err)
	_, err = bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
}

func TestTheNumberOfSeriesDoesNotDependOnWhatCallersSend(t *testing.T) {
	o := startObserved(t, nil, "--testserver-min=1ms", "--testserver-max=20ms", "--testserver-fail=0.3", "--testserver-garbage=0.2")
	before := o.scrape(t).Series("hedgerow_")
	methods := []string{"GET", "HEAD", "POST", "OPTIONS", "get", "PROPFIND", "X-ODD"}
	paths := []string{"/api/all", "/api/first", "/api/smart", "/api/within-timeout", "/api/%d", "/%d", "/api/first/%d", "/livez", "/index.html"}
	timeouts := []string{"1", "15", "1000", "0", "-%d", "9%d", "x%d", "%%zz", ""}
	for i := range 200 {
		method, path, timeout := methods[i%len(methods)], paths[i%len(paths)], timeouts[i/len(paths)%len(timeouts)]
		if i%2 == 0 {
			method = "GET"
		}
		number := strconv.Itoa(i)
		oddRequest(t, strings.TrimPrefix(o.url, "http://"), fmt.Sprintf(
			"%s %s?timeout=%s HTTP/1.1\r\nHost: host%d\r\nX-Request-Id: id-%d\r\nUser-Agent: agent%d\r\nConnection: close\r\n\r\n",
			method, strings.ReplaceAll(path, "%d", number), strings.ReplaceAll(timeout, "%d", number), i, i, i))
	}
	after := o.scrape(t)
	assert.Equal(t, before, after.Series("hedgerow_"))
	for _, endpoint := range paths[:4] {
		assert.Positive(t, after.Sum("hedgerow_calls_total", "endpoint", endpoint, "status", "200"), endpoint)
		assert.Positive(t, after.Sum("hedgerow_calls_total", "endpoint", endpoint, "status", "400"), endpoint)
	}
}

// troubled is an upstream that answers, fails, answers slowly and hangs in turn.
func troubled() faultserver.Behaviour {
	var n atomic.Int64
	turns := []faultserver.Behaviour{
		faultserver.Answer(1), faultserver.Status(500, ""), faultserver.After(60*time.Millisecond, faultserver.Answer(2)),
		faultserver.JSON("[]"), faultserver.Hang(""),
	}
	return func(conn net.Conn) bool { return turns[int(n.Add(1))%len(turns)](conn) }
}

func TestTheAttemptsCountedAreTheRequestsThatTheUpstreamGot(t *testing.T) {
	upstream := faultserver.New(t, faultserver.Hang(""), faultserver.Hang(""), faultserver.Hang(""), troubled())
	o := startObserved(t, []string{"EXPONEA_URL=" + upstream.URL},
		"--hedge-delay=50ms", "--loser-grace=100ms", "--max-in-flight=24")

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		upstream.WaitForRequests(t, 3)
		cancel()
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url+"/api/all?timeout=60000", nil)
	require.NoError(t, err)
	_, err = http.DefaultClient.Do(request)
	require.ErrorIs(t, err, context.Canceled)

	var callers sync.WaitGroup
	for range 12 {
		callers.Go(func() {
			for _, path := range []string{"/api/all", "/api/first", "/api/within-timeout", "/api/smart", "/api/smart"} {
				response, err := http.Get(o.url + path + "?timeout=400")
				if assert.NoError(t, err) {
					_ = response.Body.Close()
				}
			}
		})
	}
	callers.Wait()

	var values metricstest.Scrape
	require.Eventually(t, func() bool {
		values = o.scrape(t)
		return values.Sum("hedgerow_attempts_in_flight") == 0 && sent(values) == upstream.Requests()
	}, 20*time.Second, 20*time.Millisecond)
	assert.Equal(t, upstream.Requests(), sent(values))
	assert.Equal(t, 3, ended(values, "abandoned"))
	for _, outcome := range []string{"won", "failed", "late", "timed_out", "refused"} {
		assert.Positive(t, ended(values, outcome), outcome)
	}
	_, dialled := upstream.Connections()
	assert.InDelta(t, dialled, values.Sum("hedgerow_upstream_connections_total"), 0)
	assert.Zero(t, values.Sum("hedgerow_calls_in_flight"))
	failed := values.Sum("hedgerow_attempt_failures_total", "reason", "status 5xx") + values.Sum("hedgerow_attempt_failures_total", "reason", "invalid body")
	assert.InDelta(t, ended(values, "failed"), failed, 0)
	assert.InDelta(t, ended(values, "refused"), values.Sum("hedgerow_refusals_total", "reason", "cap"), 0)
}

func TestTheMetricsTellWhatHedgesHaveSavedAndWhatTheyMayCost(t *testing.T) {
	slow := func() *faultserver.Server { return faultserver.New(t, faultserver.Hang(""), faultserver.Answer(1)) }
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apis: {shop: {url: '"+base(slow())+"', hedge: {delay: 60ms}}}"), 0o600))
	o := startObserved(t, []string{"EXPONEA_URL=" + slow().URL, "HEDGEROW_CONFIG=" + file},
		"--hedge-delay=50ms", "--hedge-budget=10%", "--loser-grace=100ms")
	for _, path := range []string{"/api/smart?timeout=60000", "/proxy/shop/x"} {
		status, _ := get(t, o.url+path)
		assert.Equal(t, http.StatusOK, status)
	}
	var values metricstest.Scrape
	require.Eventually(t, func() bool {
		values = o.scrape(t)
		return values.Sum("hedgerow_hedge_saved_seconds_total") >= 0.1 && values.Sum("hedgerow_proxy_hedge_saved_seconds_total", "api", "shop") >= 0.1
	}, 20*time.Second, 20*time.Millisecond, "the grace, after which the first attempts are cut")
	assert.InDelta(t, 0.05, values.Sum("hedgerow_hedge_delay_seconds"), 1e-9)
	assert.InDelta(t, 0.06, values.Sum("hedgerow_proxy_hedge_delay_seconds", "api", "shop", "route", ""), 1e-9)
	assert.InDelta(t, 8.1, values.Sum("hedgerow_hedge_budget"), 1e-9, "two of 10 are taken, and the call has paid a tenth")
	assert.InDelta(t, 8.1, values.Sum("hedgerow_proxy_hedge_budget", "api", "shop"), 1e-9)
	assert.Zero(t, values.Sum("hedgerow_proxy_url_last", "api", "shop", "url", "1"))
}
