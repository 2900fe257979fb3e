// Package faults tests what a running service does about callers, upstream APIs and surroundings that misbehave: one test, or one
// row of a table, for each fault.
package faults

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/contract"
	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
	"hedgerow/test/metricstest"
)

func TestMain(m *testing.M) { harness.Main(m) }

var strategies = contract.Strategies()

// longTimeout is for calls that must be answered without waiting for it.
const longTimeout = "?timeout=20000"

// noise is the lateness of a good answer that is put down to a shared machine. What must be quicker is tried several times.
const noise = 20 * time.Millisecond

// atOnce is how soon a call fails when all of its attempts do and there is nothing to wait for.
const atOnce = 20 * time.Millisecond

var healthy = faultserver.Answer(1)

// oneConnectionEach leaves no connection behind that would be counted.
var oneConnectionEach = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// service is a running service in front of a scripted upstream API.
type service struct {
	*harness.Hedgerow
	upstream *faultserver.Server
}

func start(t *testing.T, behaviour faultserver.Behaviour, environment ...string) *service {
	t.Helper()
	upstream := faultserver.New(t, behaviour)
	return &service{harness.Start(t, append(environment, "EXPONEA_URL="+upstream.URL)...), upstream}
}

// answer is a response that has been read to its end.
type answer struct {
	*http.Response
	body string
	took time.Duration
	problem
}

// problem is what an answer that is none says.
type problem struct {
	Detail   string `json:"detail"`
	Attempts []struct {
		Outcome string `json:"outcome"`
		Reason  string `json:"reason"`
	} `json:"attempts"`
}

// tell gives every attempt of an answer in two words: "failed: status 500".
func (p problem) tell() []string {
	told := make([]string, len(p.Attempts))
	for i, a := range p.Attempts {
		told[i] = a.Outcome
		if a.Reason != "" {
			told[i] += ": " + a.Reason
		}
	}
	return told
}

// call asks a service and checks the answer against the contract. It may be called from any goroutine.
func call(t *testing.T, h *harness.Hedgerow, method, target string, headers ...string) (answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, h.URL()+target, nil)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	began := time.Now()
	response, err := oneConnectionEach.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{Response: response, body: string(body), took: time.Since(began)}
	if response.StatusCode == http.StatusNoContent { // nothing to be checked against a schema
		return a, nil
	}
	contract.Check(t, request, response, body)
	_ = json.Unmarshal(body, &a.problem) // an answer that is a success has none
	return a, nil
}

func get(t *testing.T, h *harness.Hedgerow, target string, headers ...string) answer {
	t.Helper()
	a, err := call(t, h, http.MethodGet, target, headers...)
	require.NoError(t, err)
	return a
}

// raw sends text as it is on a connection of its own, and reads the answer to it.
func raw(t *testing.T, h *harness.Hedgerow, text string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", h.Addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	began := time.Now()
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	a := answer{Response: response, body: string(body), took: time.Since(began)}
	_ = json.Unmarshal(body, &a.problem)
	return a
}

// quickest tries ten times, until a try takes no longer than limit, so that a hiccup of the machine decides nothing.
func quickest(t *testing.T, limit time.Duration, what string, try func() time.Duration) {
	t.Helper()
	var took []time.Duration
	for range 10 {
		took = append(took, try())
		if took[len(took)-1] <= limit {
			return
		}
	}
	assert.LessOrEqual(t, slices.Min(took), limit, "%s: the quickest of %v", what, took)
}

// eventually polls until it has happened, and fails the test after limit.
func eventually(t *testing.T, limit time.Duration, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			require.Fail(t, fmt.Sprintf("waited %v for %s", limit, what))
		}
	}
}

// admin asks the admin address, always on the same connection, so that it does not change what is counted.
func admin(t *testing.T, h *harness.Hedgerow, path string) string {
	t.Helper()
	response, err := http.Get("http://" + h.AdminAddr + path)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

// metric returns the sum of a metric's series that have these labels: names and values in turn.
func metric(t *testing.T, h *harness.Hedgerow, name string, labels ...string) int {
	t.Helper()
	return int(metricstest.Get(t, h.AdminAddr).Sum(name, labels...))
}
