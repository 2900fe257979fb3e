package browser

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// moody is an API that is mostly fast, sometimes slow and sometimes failing: at random, from a fixed seed.
func moody(t *testing.T) *httptest.Server {
	t.Helper()
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(3, 4))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		mood, wait := random.Float64(), time.Duration(60+random.IntN(120))*time.Millisecond
		mu.Unlock()
		switch {
		case mood < .1:
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		case mood < .25:
			wait += time.Duration(200+400*mood) * time.Millisecond
		}
		select {
		case <-time.After(wait):
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"price":3,"time":3}`)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// liveFile has three APIs. Of the two URLs of stock one is down.
const liveFile = `
defaults: {timeout: 600ms}
apis:
  shop:
    url: %[1]s
    hedge: {delay: 150ms, budget: off}
    routes: {"GET /price/{id}": {}}
  search: {url: %[1]s, strategy: all, attempts: 2}
  stock: {urls: ["%[2]s", "%[1]s"], hedge: {delay: 200ms}, strategy: first, attempts: 2}
`

// startLive runs the service before APIs that behave like those of the real world, and returns it with what calls them for a while.
func startLive(t *testing.T) (h *harness.Hedgerow, load func(time.Duration)) {
	t.Helper()
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusBadGateway) }))
	t.Cleanup(down.Close)
	h, _ = startWithFile(t, fmt.Sprintf(liveFile, moody(t).URL, down.URL), "HEDGEROW_TESTSERVER_MIN=60ms", "HEDGEROW_TESTSERVER_MAX=300ms", "HEDGEROW_TESTSERVER_FAIL=0.1")
	return h, func(length time.Duration) {
		var callers sync.WaitGroup
		end := time.Now().Add(length)
		for _, path := range []string{"/proxy/shop/price/7", "/proxy/shop/", "/proxy/search/?q=tea", "/proxy/stock/", "/api/first?timeout=600", "/api/smart?timeout=600"} {
			callers.Go(func() {
				for time.Now().Before(end) {
					response, err := http.Get(h.URL() + path)
					if err == nil {
						_ = response.Body.Close()
					}
					time.Sleep(150 * time.Millisecond)
				}
			})
		}
		callers.Wait()
	}
}

// isLive says that the page has its stream.
const isLive = `document.querySelector("#state[data-state=live]") !== null`

// openLive loads the live page and waits until it has its stream.
func (b *tab) openLive(h *harness.Hedgerow) {
	b.t.Helper()
	b.run(chromedp.Navigate("http://" + h.AdminAddr + "/"))
	b.await(isLive)
}

// await waits until a JavaScript expression is true. chromedp.Poll would need what the page's policy forbids.
func (b *tab) await(expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var is bool
		if b.run(chromedp.Evaluate(expression, &is)); is {
			return
		}
		require.False(b.t, time.Now().After(end), "%s does not come true within %v", expression, patience)
	}
}

// number is what a JavaScript expression comes to.
func (b *tab) number(expression string) (n int) {
	b.t.Helper()
	b.run(chromedp.Evaluate(expression, &n))
	return n
}

// scheme has the tab prefer light or dark.
func (b *tab) scheme(name string) {
	b.t.Helper()
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}).Do(ctx)
	}))
}

const shownRows = `document.querySelectorAll("#calls > li").length`

func TestTheLivePageShowsCallsAsTheyRunAndDoesNothingElse(t *testing.T) {
	h, load := startLive(t)
	b := newTab(t)
	b.openLive(h)
	assert.Contains(t, b.evaluate(`document.getElementById("empty").textContent`), "No call yet")
	go load(4 * time.Second)
	b.await(shownRows + " > 5")
	b.await(`document.querySelector("#calls .running .race .run") !== null`) // bars grow
	b.await(`[...document.querySelectorAll("#apis tbody tr")].some(row => row.cells[0].textContent.startsWith("shop") && row.cells[1].textContent > "0.0")`)
	b.await(`document.querySelectorAll("#calls .answered").length > 5 && document.querySelector('#calls use[href="#won"]') !== null`)
	assert.Equal(t, []string{"/api", "search", "shop", "stock"}, strings.Fields(b.evaluate(
		`[...document.querySelectorAll("#apis tbody th")].map(name => name.firstChild.data).join(" ")`)))
	assert.True(t, strings.HasPrefix(b.evaluate(`document.getElementById("console").href`), "http://127.0.0.1"+port(h)), "the console's port")
	b.await(`(() => { const n = [...document.querySelectorAll("#calls > li > button")].map(row => +row.getAttribute("aria-controls").slice(5));
		return n.length > 5 && n.every((number, i) => i === 0 || number < n[i - 1]) })()`) // newest on top
	b.assertQuiet("http://" + h.AdminAddr)
}

func TestTheLivePageIsFilteredAndHeld(t *testing.T) {
	h, load := startLive(t)
	b := newTab(t)
	b.openLive(h)
	done := make(chan struct{})
	go func() { load(6 * time.Second); close(done) }()
	defer func() { <-done }()
	b.await(shownRows + " > 20")
	b.run(chromedp.SetValue("#by-api", "shop"), chromedp.Evaluate(`document.getElementById("filters").dispatchEvent(new Event("change"))`, nil))
	b.await(`[...document.querySelectorAll("#calls .what b")].every(name => name.textContent === "shop")`)
	assert.Contains(t, b.evaluate("location.search"), "api=shop", "a link has the filter")
	b.run(chromedp.Click("#trouble"))
	b.await(`[...document.querySelectorAll("#calls > li")].every(call => call.matches(".slow, .failed, .timed_out, .refused"))`)
	b.run(chromedp.Reload())
	b.await(isLive)
	assert.Equal(t, "shop true", b.evaluate(`document.getElementById("by-api").value + " " + document.getElementById("trouble").checked`))
	b.run(chromedp.Click("#trouble"), chromedp.SetValue("#by-api", "*"),
		chromedp.Evaluate(`document.getElementById("filters").dispatchEvent(new Event("change"))`, nil))

	b.run(chromedp.Click("#pause"))
	assert.Equal(t, "true", b.evaluate(`document.getElementById("pause").getAttribute("aria-pressed")`))
	first := b.evaluate(`document.querySelector("#calls > li > button").getAttribute("aria-controls")`)
	b.run(chromedp.WaitVisible("#newer"))
	assert.Equal(t, first, b.evaluate(`document.querySelector("#calls > li > button").getAttribute("aria-controls")`), "nothing has moved")
	b.run(chromedp.Click("#pause"))
	b.await(`document.querySelector("#calls > li > button").getAttribute("aria-controls") !== "` + first + `"`)
	b.assertQuiet("http://" + h.AdminAddr)
}

func TestTheConfigurationIsOnTheLivePageWithoutItsSecrets(t *testing.T) {
	h, _ := startWithFile(t, "apis:\n  rates: {url: \"http://127.0.0.1:1/${SECRET_PATH}\", set: {X-Key: \"${SECRET_KEY}\"}}\n", "SECRET_PATH=s3cretPath", "SECRET_KEY=s3cretKey")
	b := newTab(t)
	b.openLive(h)
	b.run(chromedp.Click("#configuration summary"))
	b.await(`document.querySelector("#configuration pre").textContent.includes("X-Key: ${SECRET_KEY}")`)
	text := b.evaluate(`document.body.textContent`)
	assert.Contains(t, text, "HEDGEROW_PRODUCERS")
	assert.NotContains(t, text, "s3cret")
	b.assertQuiet("http://" + h.AdminAddr)
}

func TestAPageOfAnotherOriginCannotFollowTheCalls(t *testing.T) {
	h := harness.Start(t, steady...)
	b := newTab(t)
	b.run(chromedp.Navigate(elsewhere(t).URL))
	for _, path := range []string{"/", "/events", "/configuration"} {
		assert.Equal(t, "rejected: TypeError: Failed to fetch", b.evaluate(fetch("http://"+h.AdminAddr+path, `{mode: "no-cors"}`)), path)
	}
	assert.Equal(t, "refused", b.evaluate(fmt.Sprintf(`new Promise(done => {
		const source = new EventSource("http://%s/events")
		source.onmessage = source.onopen = () => done("open")
		source.onerror = () => done("refused")
	})`, h.AdminAddr)))
	request, err := http.NewRequest(http.MethodGet, "http://"+h.AdminAddr+"/", nil)
	require.NoError(t, err)
	request.Host = "rebound.example" + port(h)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusForbidden, response.StatusCode, "a name of somebody else that leads here")
}
