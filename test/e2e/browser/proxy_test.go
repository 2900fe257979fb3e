package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestTheConsoleWorksBehindAProxyThatStripsAPrefix(t *testing.T) {
	h := harness.Start(t, steady...)
	target, err := url.Parse(h.URL())
	require.NoError(t, err)
	strip := http.StripPrefix("/tools/hedgerow", httputil.NewSingleHostReverseProxy(target))
	mux := http.NewServeMux()
	mux.Handle("/tools/hedgerow/", strip)
	proxy := httptest.NewServer(mux)
	t.Cleanup(proxy.Close)

	b := newTab(t)
	b.prefix = "/tools/hedgerow"
	b.openConsole(proxy.URL + "/tools/hedgerow")
	b.tryOut("first")
	s := b.execute("first")
	assert.Equal(t, proxy.URL+"/tools/hedgerow/api/first?timeout=3000", s.url)
	assert.Equal(t, "200", s.status)
	assert.JSONEq(t, `{"time":7}`, s.body)
	b.assertQuiet(proxy.URL)
}

func TestBehindAPrefixAnAddressWithoutASlashAtItsEndWorksOrSaysWhatIsWrong(t *testing.T) {
	h := harness.Start(t, steady...)
	target, err := url.Parse(h.URL())
	require.NoError(t, err)
	strip := http.StripPrefix("/tools", httputil.NewSingleHostReverseProxy(target))
	redirects := http.NewServeMux() // it sends who asks for /tools to /tools/, as most proxies do
	redirects.Handle("/tools/", strip)
	for name, test := range map[string]struct {
		proxy        http.Handler
		shown, words string
	}{
		"the proxy redirects": {redirects, block("all"), "/api/all"},
		"it does not":         {strip, "#swagger-ui > p", "put a slash at the end of the address"},
	} {
		proxy := httptest.NewServer(test.proxy)
		t.Cleanup(proxy.Close)
		b := newTab(t)
		b.run(chromedp.Navigate(proxy.URL+"/tools"), chromedp.WaitVisible(test.shown, chromedp.ByQuery))
		assert.Contains(t, b.evaluate(`document.body.innerText`), test.words, name)
	}
}

func TestTheConsoleShowsEveryDigitOfAnInteger(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"time":9223372036854775807}`)
	}))
	t.Cleanup(api.Close)
	h := harness.Start(t, "EXPONEA_URL="+api.URL)
	b := newTab(t)
	b.openConsole(h.URL())
	b.tryOut("first")
	assert.Equal(t, "{\n  \"time\": 9223372036854775807\n}", b.execute("first").body)
	b.tryOut("all")
	assert.Equal(t, "[\n"+
		"  {\n    \"time\": 9223372036854775807\n  },\n"+
		"  {\n    \"time\": 9223372036854775807\n  },\n"+
		"  {\n    \"time\": 9223372036854775807\n  }\n]", b.execute("all").body)
}

func TestTheConsoleFitsOnAPhone(t *testing.T) {
	h := harness.Start(t, steady...)
	b := newTab(t)
	b.run(emulation.SetDeviceMetricsOverride(390, 844, 1, true))
	b.openConsole(h.URL())
	b.tryOut("first")
	b.execute("first")
	var width int
	b.run(chromedp.Evaluate("document.documentElement.scrollWidth", &width))
	assert.Equal(t, 390, width, "nothing sticks out")
	var right float64
	b.run(chromedp.Evaluate(`Math.max(...[...document.querySelectorAll(
		".opblock-summary-path, .btn.execute, .parameters input, .live-responses-table .highlight-code, .info table")].map(e => e.getBoundingClientRect().right))`, &right))
	assert.LessOrEqual(t, right, 390.0, "what one needs is in view")
	if file := os.Getenv("PHONE_PICTURE"); file != "" {
		b.run(chromedp.ActionFunc(func(ctx context.Context) error {
			content, err := page.CaptureScreenshot().WithCaptureBeyondViewport(true).
				WithClip(&page.Viewport{Width: 390, Height: 3000, Scale: 1}).Do(ctx)
			if err != nil {
				return err
			}
			return os.WriteFile(file, content, 0o600)
		}))
	}
}
