package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// recording is an API that keeps what it is asked.
type recording struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string // "METHOD target body"
}

func newRecording(t *testing.T) *recording {
	r := &recording{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.requests = append(r.requests, strings.TrimSpace(request.Method+" "+request.RequestURI+" "+string(body)))
		r.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"rate":1.25}`)
	}))
	t.Cleanup(r.Close)
	return r
}

// last is what the API was asked last.
func (r *recording) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests[len(r.requests)-1]
}

// startWithFile runs the service with a file of APIs, and with variables (NAME=value) that go before those of steady.
func startWithFile(t *testing.T, text string, variables ...string) (h *harness.Hedgerow, path string) {
	path = filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return harness.Start(t, slices.Concat(steady, variables, []string{"HEDGEROW_CONFIG=" + path})...), path
}

// proxyBlock selects the part of the console that belongs to a method of an API of the file.
func proxyBlock(method, api string) string {
	return "#operations-proxy-" + method + "_proxy_" + api + "__path_"
}

// try opens a method of an API for trying it out.
func (b *tab) try(block string) {
	b.t.Helper()
	b.run(chromedp.WaitVisible(block), chromedp.Click(block+" .opblock-summary-control"), chromedp.Click(block+" .try-out__btn"),
		chromedp.WaitVisible(block+" .execute"))
}

// fill replaces what stands in a field, by the keyboard.
func (b *tab) fill(field, text string) {
	b.t.Helper()
	b.run(chromedp.WaitVisible(field), chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).select()", field), nil),
		chromedp.SendKeys(field, text))
}

// call presses the button and returns what is shown then.
func (b *tab) call(block string) shown {
	b.t.Helper()
	var s shown
	answer := block + " .live-responses-table"
	b.run(chromedp.Click(block+" .execute"),
		chromedp.WaitVisible(answer+" .response-col_status", chromedp.RetryInterval(100*time.Millisecond)),
		chromedp.Text(block+" .curl-command .curl", &s.curl),
		chromedp.Text(block+" .request-url .microlight", &s.url),
		chromedp.Text(answer+" tbody .response-col_status", &s.status),
		chromedp.Text(answer+" tbody .response-col_description", &s.body))
	s.status, _, _ = strings.Cut(s.status, "\n")
	return s
}

const path = ` [data-param-name="path"] input`

func TestTryItOutSendsAnAPIOfTheFileSlashesAndQueryAsTheyAreTyped(t *testing.T) {
	api := newRecording(t)
	h, _ := startWithFile(t, "apis:\n  rates:\n    url: "+api.URL+"/v1\n    methods: [GET, POST]\n    attempts: 1\n    timeout: 30s\n    example: /latest//of%2Fday?base=EUR&b[]=a/b\n")
	b := newTab(t)
	b.openConsole(h.URL())
	get := proxyBlock("get", "rates")
	b.try(get)
	s := b.call(get)
	assert.Equal(t, "200", s.status)
	assert.Contains(t, s.body, `"rate": 1.25`)
	assert.Contains(t, s.body, "hedgerow-requests: 1")
	assert.Equal(t, "GET /v1/latest//of%2Fday?base=EUR&b[]=a/b", api.last())
	assert.Equal(t, h.URL()+"/proxy/rates/latest//of%2Fday?base=EUR&b[]=a/b", s.url)
	assert.Contains(t, s.curl, "'"+s.url+"'")

	for typed, asked := range map[string]string{
		"//x/":          "/v1//x/",
		"/":             "/v1/",
		"no/slash":      "/v1/no/slash",
		"/a%252Fb?":     "/v1/a%252Fb?",
		"/a?b=%zz;c=?/": "/v1/a?b=%zz;c=?/",
		"/a#b":          "/v1/a%23b",
		"/a~b[c]?d={e}": "/v1/a~b[c]?d={e}",
		"/%2Fa":         "/v1/%2Fa",
		"/a%20b/c":      "/v1/a%20b/c",
	} {
		b.fill(get+path, typed)
		assert.Equal(t, "200", b.call(get).status, typed)
		assert.Equal(t, "GET "+asked, api.last(), typed)
	}

	post := proxyBlock("post", "rates")
	b.try(post)
	b.fill(post+path, "/orders?x=1")
	b.fill(post+" textarea", `{"a" : 1}`)
	assert.Equal(t, "200", b.call(post).status)
	assert.Equal(t, `POST /v1/orders?x=1 {"a" : 1}`, api.last())
	b.assertQuiet(h.URL())
}

func TestTheControlHeadersWorkInTheConsole(t *testing.T) {
	api := newRecording(t)
	h, _ := startWithFile(t, "apis:\n  rates: {url: "+api.URL+", example: /latest, timeout: 8s}\n")
	b := newTab(t)
	b.openConsole(h.URL())
	get := proxyBlock("get", "rates")
	b.try(get)
	b.run(chromedp.SetValue(get+` [data-param-name="Hedgerow-Strategy"] select`, "all"))
	b.evaluate(`(() => { document.querySelector('` + get + ` [data-param-name="Hedgerow-Strategy"] select')
		.dispatchEvent(new Event("change", {bubbles: true})); return "" })()`)
	s := b.call(get)
	assert.Equal(t, "200", s.status)
	assert.Contains(t, s.body, `"attempt": 3`)
	assert.Contains(t, s.curl, "Hedgerow-Timeout: 8000")
	assert.Contains(t, s.curl, "Hedgerow-Strategy: all")

	b.fill(get+` [data-param-name="Hedgerow-Timeout"] input`, "60001")
	s = b.call(get)
	assert.Equal(t, "400", s.status)
	assert.Contains(t, s.body, "header Hedgerow-Timeout is out of range")
}

func TestTheConsoleShowsTheAPIsOfAFileThatWasReadAgain(t *testing.T) {
	api := newRecording(t)
	h, file := startWithFile(t, "apis:\n  before: {url: "+api.URL+", example: /x}\n")
	b := newTab(t)
	b.openConsole(h.URL())
	b.run(chromedp.WaitVisible(proxyBlock("get", "before")))
	require.NoError(t, os.WriteFile(file, []byte("apis:\n  after: {url: "+api.URL+", example: /y}\n"), 0o600))
	require.NoError(t, h.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool {
		response, err := http.Get(h.URL() + "/proxy/after/y")
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK
	}, patience, 10*time.Millisecond)
	b.openConsole(h.URL())
	b.run(chromedp.WaitVisible(proxyBlock("get", "after")), chromedp.WaitNotPresent(proxyBlock("get", "before")))
}
