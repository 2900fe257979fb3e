// Package browser tests what people and pages of other origins get from Hedgerow in a real browser.
package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/contract"
	"hedgerow/test/e2e/harness"
)

// patience is how long a test waits for each thing that must come.
const patience = 20 * time.Second

func TestMain(m *testing.M) { harness.Main(m) }

// startChromium starts a browser with a profile of its own, which ends with the test, and returns the context of its tab.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs Chromium: apt-get install chromium")
	}
	fonts, err := filepath.Abs("testdata/fonts.conf")
	require.NoError(t, err)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1280, 1000),
		chromedp.WSURLReadTimeout(patience), chromedp.Env("FONTCONFIG_FILE="+fonts))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Run(ctx), "starting Chromium")
	return ctx
}

// tab is a tab of the browser that notes whatever a good page does not do.
type tab struct {
	t   *testing.T
	ctx context.Context
	// prefix is what stands before the API's paths, "" without a proxy. It is set before the first page is opened.
	prefix string

	mu       sync.Mutex
	requests []string                         // URLs
	answers  []*network.EventResponseReceived // of the API, not checked yet
	noise    []string                         // what is said on the console, violations of the content security policy included
}

// newTab starts a browser and returns its tab.
func newTab(t *testing.T) *tab {
	t.Helper()
	b := &tab{t: t, ctx: startChromium(t)}
	chromedp.ListenTarget(b.ctx, b.note)
	b.run(network.Enable(), log.Enable(), runtime.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(`addEventListener("securitypolicyviolation",
			e => console.error("violation of", e.violatedDirective, "by", e.blockedURI))`).Do(ctx)
		return err
	}))
	return b
}

func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Run(ctx, actions...))
}

// note is called for every event of the tab.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *network.EventResponseReceived:
		if u, err := url.Parse(e.Response.URL); err == nil && strings.HasPrefix(u.Path, b.prefix+"/api/") {
			b.answers = append(b.answers, e)
		}
	case *log.EventEntryAdded:
		b.noise = append(b.noise, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *runtime.EventExceptionThrown:
		b.noise = append(b.noise, "exception: "+e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		var said []string
		for _, argument := range e.Args {
			said = append(said, strings.Trim(string(argument.Value), `"`)+argument.Description)
		}
		b.noise = append(b.noise, fmt.Sprintf("console.%s: %s", e.Type, strings.Join(said, " ")))
	}
}

// settle returns when every event of what the page has done so far has been noted.
func (b *tab) settle() {
	b.t.Helper()
	b.run(chromedp.Evaluate(`new Promise(done => setTimeout(done))`, nil, await))
}

func await(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// heard returns what was said on the console so far.
func (b *tab) heard() []string {
	b.t.Helper()
	b.settle()
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.noise...)
}

// hear waits until something is said on the console.
func (b *tab) hear(words string) {
	b.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(strings.Join(b.heard(), "\n"), words); {
		if time.Now().After(end) {
			b.t.Fatalf("%q is not said on the console, but %q", words, b.heard())
		}
	}
}

// strangers returns the URLs that were requested so far and are neither of this origin nor data.
func (b *tab) strangers(origin string) []string {
	b.t.Helper()
	b.settle()
	b.mu.Lock()
	defer b.mu.Unlock()
	var others []string
	for _, request := range b.requests {
		u, err := url.Parse(request)
		if err != nil || u.Scheme != "data" && u.Scheme+"://"+u.Host != origin {
			others = append(others, request)
		}
	}
	return others
}

// assertQuiet checks that the page at origin has done nothing that a good page does not do.
func (b *tab) assertQuiet(origin string) {
	b.t.Helper()
	assert.Empty(b.t, b.heard(), "errors, warnings and violations on the console")
	assert.Empty(b.t, b.strangers(origin), "requests to other origins")
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.NotEmpty(b.t, b.requests)
}

// assertContract checks every answer of the API that the page has got since the last time.
func (b *tab) assertContract() {
	b.t.Helper()
	b.settle()
	b.mu.Lock()
	answers := b.answers
	b.answers = nil
	b.mu.Unlock()
	require.NotEmpty(b.t, answers)
	for _, a := range answers {
		var body []byte
		b.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
			body, err = network.GetResponseBody(a.RequestID).Do(ctx)
			return err
		}))
		header := http.Header{}
		for name, value := range a.Response.Headers {
			header.Set(name, fmt.Sprint(value))
		}
		request := httptest.NewRequest(http.MethodGet, strings.Replace(a.Response.URL, b.prefix+"/api/", "/api/", 1), nil)
		contract.Check(b.t, request, &http.Response{StatusCode: int(a.Response.Status), Header: header}, body)
	}
}

// evaluate returns the string that a JavaScript expression, or the promise that it is, comes to.
func (b *tab) evaluate(expression string) string {
	b.t.Helper()
	var s string
	b.run(chromedp.Evaluate(expression, &s, await))
	return s
}
