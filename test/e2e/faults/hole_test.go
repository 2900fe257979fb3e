package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/e2e/veth"
)

const (
	hedgeDelay = 400 * time.Millisecond
	latency    = 50 * time.Millisecond // of the second URL, far below hedgeDelay: alone it has to answer without a hedge
	// slack is for a busy machine. With it a call ends before anything that may happen in a black hole: the second SYN comes after 1 s, a
	// dial ends after 2 s, a ping after 4 s, and a call after 10 s.
	slack = 500 * time.Millisecond
)

// site is one URL of an API.
type site struct {
	name    string
	latency time.Duration
	failing atomic.Bool // the next request gets a 500
}

func (s *site) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(s.latency)
	if s.failing.Swap(false) {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = io.WriteString(w, s.name)
}

// serve serves a listener until the test ends, over HTTP/1.1 and HTTP/2 in clear text.
func (s *site) serve(t *testing.T, listener net.Listener) (url string) {
	t.Helper()
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: s, Protocols: protocols, ReadHeaderTimeout: time.Minute}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }() // ends with the test
	return "http://" + listener.Addr().String()
}

// host is another host, which may fall silent: then nothing that is sent to it arrives, and nothing comes from it.
type host struct{ *veth.Pair }

func newHost(t *testing.T) host {
	t.Helper()
	pair, err := veth.New("hedgerowhole", "198.18.38.1", "198.18.38.2")
	require.NoError(t, err)
	t.Cleanup(pair.Remove)
	return host{pair}
}

func (h host) fallSilent(t *testing.T) {
	t.Helper()
	for _, chain := range []string{"INPUT", "OUTPUT"} {
		h.iptables(t, "--append", chain, "--jump", "DROP")
	}
}

func (h host) iptables(t *testing.T, args ...string) {
	t.Helper()
	output, err := h.Far(append([]string{"iptables", "--wait"}, args...)...).CombinedOutput()
	require.NoError(t, err, "root and iptables: %s", output)
}

// twoURLs is a service with an API whose first URL is on another host.
type twoURLs struct {
	*harness.Hedgerow
	host   host
	addr   string // of the first URL
	second *site
}

func startTwoURLs(t *testing.T, h host, protocol string) *twoURLs {
	t.Helper()
	far, err := h.Listen()
	require.NoError(t, err)
	near, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	first, second := &site{name: "one"}, &site{name: "two", latency: latency}
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil,
		"apis: {a: {urls: ['%s', '%s'], protocol: %s, attempts: 2, timeout: 10s, hedge: {delay: %v, budget: off}}}",
		first.serve(t, far), second.serve(t, near), protocol, hedgeDelay), 0o600))
	return &twoURLs{harness.Start(t, "HEDGEROW_CONFIG="+file), h, far.Addr().String(), second}
}

// mirrored is an answer of an API with several URLs.
type mirrored struct {
	from, requests string
	took           time.Duration
	attempts       []timedAttempt
}

type timedAttempt struct {
	outcome string
	took    time.Duration
}

var timing = regexp.MustCompile(`attempt\d+;desc="(\w+)";dur=([\d.]+)`)

// atOnce makes calls at a time.
func (u *twoURLs) atOnce(t *testing.T, calls int) []mirrored {
	t.Helper()
	answers, errs := make([]mirrored, calls), make([]error, calls)
	var running sync.WaitGroup
	for i := range calls {
		running.Go(func() { answers[i], errs[i] = u.ask() })
	}
	running.Wait()
	require.NoError(t, errors.Join(errs...))
	return answers
}

func (u *twoURLs) call(t *testing.T) mirrored {
	t.Helper()
	return u.atOnce(t, 1)[0]
}

func (u *twoURLs) ask() (m mirrored, err error) {
	began := time.Now()
	response, err := oneConnectionEach.Get(u.URL() + "/proxy/a")
	if err != nil {
		return m, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return m, fmt.Errorf("%s: %s %w", response.Status, body, err)
	}
	m = mirrored{from: string(body), requests: response.Header.Get("Hedgerow-Requests"), took: time.Since(began)}
	for _, match := range timing.FindAllStringSubmatch(response.Header.Get("Server-Timing"), -1) {
		took, err := time.ParseDuration(match[2] + "ms")
		if err != nil {
			return m, err
		}
		m.attempts = append(m.attempts, timedAttempt{match[1], took})
	}
	return m, nil
}

// outcomes are those of the attempts, in their order.
func (m mirrored) outcomes() []string {
	all := make([]string, len(m.attempts))
	for i, a := range m.attempts {
		all[i] = a.outcome
	}
	return all
}

// assertHedged checks that the second URL has answered by a hedge, which went when it was due.
func assertHedged(t *testing.T, answers ...mirrored) {
	t.Helper()
	for _, m := range answers {
		assert.Equal(t, "two", m.from)
		assert.Equal(t, "2", m.requests)
		assert.Less(t, m.took, hedgeDelay+latency+slack)
		if assert.Equal(t, []string{"running", "won"}, m.outcomes()) {
			hedge := m.attempts[1].took
			assert.InDelta(t, latency+slack/2, hedge, float64(slack/2), "the hedge took its URL's latency")
			assert.InDelta(t, hedgeDelay+slack/2, m.attempts[0].took-hedge, float64(slack/2), "it went after the delay")
		}
	}
}

// assertAlone checks that an answer took one request.
func assertAlone(t *testing.T, from string, answers ...mirrored) {
	t.Helper()
	for _, m := range answers {
		assert.Equal(t, from, m.from)
		assert.Equal(t, "1", m.requests)
		assert.Equal(t, []string{"won"}, m.outcomes())
		assert.Less(t, m.took, latency+slack)
	}
}

func TestAURLInABlackHoleCostsFiveCallsTheDelayAndThenNoneAnythingUntilItAnswers(t *testing.T) {
	h := newHost(t)
	for _, test := range []struct {
		protocol      string
		kept, dialled int // connections to it: before it falls silent, and the most that are dialled at a time then
	}{{"http1", 3, 5}, {"h2c", 1, 1}} {
		t.Run(test.protocol+", from the start", func(t *testing.T) {
			u := startTwoURLs(t, h, test.protocol)
			h.fallSilent(t)
			u.isInABlackHole(t, test.dialled, 5)
		})
		t.Run(test.protocol+", under kept connections", func(t *testing.T) {
			u := startTwoURLs(t, h, test.protocol)
			eventually(t, 20*time.Second, "connections to be kept", func() bool {
				for _, m := range u.atOnce(t, 3) {
					if m.from != "one" {
						return false
					}
				}
				return socketsTo(t, u.addr, established) >= test.kept
			})
			h.fallSilent(t)
			u.isInABlackHole(t, test.dialled, 2) // the others have gone over the kept connections
		})
	}
}

// isInABlackHole makes calls while the first URL is silent, and when it speaks again. dialled is the most connections to it that may be
// dialled at a time, and unsent is how many attempts have waited for one in vain.
func (u *twoURLs) isInABlackHole(t *testing.T, dialled, unsent int) {
	t.Helper()
	before := metric(t, u.Hedgerow, "hedgerow_proxy_unsent_total")
	most := mostSocketsTo(t, u.addr, synSent)
	assertHedged(t, u.atOnce(t, 3)...)
	eventually(t, 10*time.Second, "the losers to end", func() bool {
		return metric(t, u.Hedgerow, "hedgerow_proxy_attempts_in_flight") == 0
	})
	for range 2 {
		assertHedged(t, u.call(t))
	}
	last := u.Log.Wait(t, "msg", "a URL is tried last: it keeps failing while others answer")
	assert.InDelta(t, 1, last["url"], 0)
	assert.InDelta(t, 5, last["failures"], 0)

	assertAlone(t, "two", u.atOnce(t, 3)...)
	eventually(t, 10*time.Second, "its dials to end", func() bool { return socketsTo(t, u.addr, synSent, established) == 0 })
	assertAlone(t, "two", u.call(t), u.call(t))
	assert.Zero(t, socketsTo(t, u.addr, synSent, established))
	dials := most()
	assert.Positive(t, dials)
	assert.LessOrEqual(t, dials, dialled)
	assert.Equal(t, unsent, metric(t, u.Hedgerow, "hedgerow_proxy_unsent_total")-before)

	u.host.iptables(t, "--flush") // it speaks again
	u.second.failing.Store(true)
	back := u.call(t)
	assert.Equal(t, "one", back.from)
	assert.Equal(t, "2", back.requests)
	assert.Equal(t, []string{"failed", "won"}, back.outcomes())
	assert.Less(t, back.took, latency+slack)
	assertAlone(t, "one", u.call(t))
	assertAlone(t, "one", u.atOnce(t, 3)...)
	u.Log.Wait(t, "msg", "a URL is tried in its usual place again: it has answered")
}
