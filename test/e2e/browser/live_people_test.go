package browser

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// focused says which element has the focus, and whether that can be seen.
const focused = `(() => {
	const e = document.activeElement
	if (e === document.body) return "nothing"
	return (e.id || e.getAttribute("aria-controls") || e.parentElement.id || e.getAttribute("href") || e.tagName) + " " + getComputedStyle(e).outlineStyle
})()`

func TestTheKeyboardAloneReachesEverythingOnTheLivePage(t *testing.T) {
	h, load := startLive(t)
	b := newTab(t)
	b.openLive(h)
	load(time.Second)
	b.await(shownRows + " > 10")
	rows := b.number(shownRows)

	reached := map[string]bool{}
	for range rows + 40 {
		b.run(chromedp.KeyEvent(kb.Tab))
		name, outline, _ := strings.Cut(b.evaluate(focused), " ")
		if name == "nothing" {
			break
		}
		assert.Equal(t, "solid", outline, "the focus on %s is seen", name)
		reached[name] = true
	}
	for _, name := range []string{"#calls", "console", "metrics", "debug/pprof/", "#configuration", "by-api", "by-strategy", "by-outcome", "trouble", "pause", "key", "configuration"} {
		assert.True(t, reached[name], name)
	}
	calls := 0
	for name := range reached {
		if strings.HasPrefix(name, "more-") {
			calls++
		}
	}
	assert.Equal(t, b.number(shownRows), calls, "each call")

	b.run(chromedp.Focus("#calls > li > button"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#calls .more .why"))
	assert.Equal(t, "true", b.evaluate(`document.activeElement.getAttribute("aria-expanded")`))
	b.run(chromedp.KeyEvent(" "), chromedp.WaitNotVisible("#calls .more"))
	b.run(chromedp.Focus("#pause"), chromedp.KeyEvent(" "))
	assert.Equal(t, "paused", b.evaluate(`document.getElementById("state").textContent`))
	b.run(chromedp.Focus("#configuration summary"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#configuration pre"))
	b.assertQuiet("http://" + h.AdminAddr)
}

func TestAScreenReaderIsToldWhatEverythingOnTheLivePageIs(t *testing.T) {
	h, load := startLive(t)
	b := newTab(t)
	b.openLive(h)
	load(time.Second)
	b.await(shownRows + " > 10")
	b.run(chromedp.Click("#calls > li > button"))

	var nodes []*accessibility.Node
	b.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		nodes, err = accessibility.GetFullAXTree().Do(ctx)
		return err
	}))
	count := map[string]int{}
	for _, node := range nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role, name := strings.Trim(string(node.Role.Value), `"`), ""
		if node.Name != nil {
			name = strings.Trim(string(node.Name.Value), `"`)
		}
		switch role {
		case "button", "link", "combobox", "checkbox", "navigation", "table", "columnheader", "rowheader", "DisclosureTriangle":
			assert.NotEmpty(t, name, "the name of a %s", role)
		}
		count[role]++
		if role == "button" && strings.Contains(name, "attempt") {
			count["a call"]++
			assert.Regexp(t, `(shop|search|stock|/api).*(smart|first|all).*\d attempts?: .*(answered|failed|timed out|running|refused)`, name)
		}
	}
	assert.Positive(t, count["a call"])
	assert.Equal(t, 1, count["status"])
	assert.Equal(t, 1, count["main"])
	assert.GreaterOrEqual(t, count["columnheader"], 11, "the columns of the figures, and of the attempts of the call that is open")
}

// limited is an API that asks for time when it is first called, and is slow once later.
func limited(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/limit":
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case "/slow":
			time.Sleep(700 * time.Millisecond)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(s.Close)
	return s
}

// TestWhyACallWasSlowIsFoundInTwoClicks is what a user does who has heard that the shop was slow just now, and knows the page alone.
func TestWhyACallWasSlowIsFoundInTwoClicks(t *testing.T) {
	h, _ := startWithFile(t, "apis:\n  shop: {url: "+limited(t).URL+", timeout: 1s, hedge: {delay: 100ms, budget: off}}\n  other: {url: "+limited(t).URL+"}\n")
	call := func(path string) {
		response, err := http.Get(h.URL() + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	call("/proxy/shop/limit")
	for range 300 { // more than the page has of calls that are well
		call("/proxy/shop/price")
	}
	call("/proxy/shop/slow")
	for range 300 {
		call("/proxy/other/price")
	}

	b := newTab(t)
	b.openLive(h)
	b.await(shownRows + " > 20")
	clicks := 0
	click := func(selector string) {
		clicks++
		b.run(chromedp.WaitVisible(selector), chromedp.Click(selector))
	}
	click("#trouble")
	b.await(shownRows + " === 2")
	assert.Contains(t, b.evaluate(`document.querySelector("#calls .slow .end").textContent`), "slow")
	click("#calls .slow > button")
	why := b.evaluate(`document.querySelector("#calls .slow .why").textContent`)
	assert.Regexp(t, `^Attempt 1 brought the answer after 7\d\d ms\. No hedge could help: the upstream API asked to wait\.`, why)
	assert.LessOrEqual(t, clicks, 3)
	details := b.evaluate(`document.querySelector("#calls .slow .more").textContent`)
	for _, part := range []string{"shop", "smart", "200 after 7", "won", "refused"} {
		assert.Contains(t, details, part)
	}
	assert.NotContains(t, b.evaluate(`document.body.textContent`), "/slow", "a caller's path is not shown")
	b.assertQuiet("http://" + h.AdminAddr)
}

func TestTheLivePageComesBackWhenTheServiceDoes(t *testing.T) {
	h := harness.Start(t, steady...)
	b := newTab(t)
	b.openLive(h)
	response, err := http.Get(h.URL() + "/api/first?timeout=1000")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	b.await(shownRows + " === 1")
	b.run(chromedp.Click("#calls > li > button"), chromedp.WaitVisible("#calls .why"))
	require.NoError(t, h.Process.Kill())
	b.await(`document.querySelector("#state[data-state=lost]") !== null`)
	again := harness.Start(t, append(steady, "HEDGEROW_ADMIN_ADDR="+h.AdminAddr)...)
	require.Equal(t, h.AdminAddr, again.AdminAddr)
	b.await(isLive)
	b.await(shownRows + " === 0") // the other process has made no call
}
