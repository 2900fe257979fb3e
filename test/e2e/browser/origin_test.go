package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"hedgerow/test/e2e/harness"
)

// elsewhere serves a page of another origin.
func elsewhere(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!DOCTYPE html><title>Elsewhere</title><link rel="icon" href="data:,">`)
	}))
	t.Cleanup(s.Close)
	return s
}

// fetch is an expression that comes to what a page gets from a call.
func fetch(url, options string) string {
	return fmt.Sprintf(`fetch(%q, %s).then(async a => a.type + " " + await a.text(), problem => "rejected: " + problem)`, url, options)
}

func TestAPageOfAnotherOriginCannotReadAnAnswer(t *testing.T) {
	h := harness.Start(t, steady...)
	b := newTab(t)
	b.run(chromedp.Navigate(elsewhere(t).URL))
	for _, options := range []string{
		`{}`, `{mode: "no-cors"}`, `{credentials: "include"}`, `{headers: {"X-Request-Id": "x"}}`, `{method: "DELETE"}`,
	} {
		for _, path := range []string{"/api/first?timeout=3000", "/api/first", "/livez", "/doc.json"} {
			assert.Equal(t, "rejected: TypeError: Failed to fetch", b.evaluate(fetch(h.URL()+path, options)), "%s %s", path, options)
		}
	}
	b.hear("No 'Access-Control-Allow-Origin' header is present")
	b.hear("net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin") // not even the opaque answer that mode no-cors gives otherwise
}

func TestAPageOfAnotherOriginCannotShowTheConsole(t *testing.T) {
	h := harness.Start(t, steady...)
	b := newTab(t)
	b.run(chromedp.Navigate(elsewhere(t).URL))
	b.evaluate(fmt.Sprintf(`new Promise(done => {
		const frame = document.createElement("iframe")
		frame.onload = () => done("loaded")
		frame.src = %q
		document.body.append(frame)
	})`, h.URL()))
	b.hear("frame-ancestors 'none'")
}

// TestTheTabNotesWhatAGoodPageDoesNotDo shows that the other tests would see it.
func TestTheTabNotesWhatAGoodPageDoesNotDo(t *testing.T) {
	h := harness.Start(t, steady...)
	other := elsewhere(t)
	b := newTab(t)
	b.openConsole(h.URL())
	b.assertQuiet(h.URL())
	for deed, note := range map[string]string{
		`document.head.append(Object.assign(document.createElement("style"), {textContent: "p {}"}))`: "violation of style-src-elem by inline",
		`document.body.append(Object.assign(new Image, {src: "` + other.URL + `/x.png"}))`:            "violation of img-src by " + other.URL,
		`console.warn("careful")`:     "console.warning: careful",
		`setTimeout("missing()")`:     "violation of script-src",
		`setTimeout(() => missing())`: "exception: ",
		`fetch("/nope")`:              "the server responded with a status of 404",
	} {
		b.run(chromedp.Evaluate(deed+"; null", nil))
		b.hear(note)
	}
	b.run(chromedp.Navigate(other.URL))
	b.evaluate(fetch(h.URL()+"/livez", `{}`))
	assert.Contains(t, b.strangers(other.URL), h.URL()+"/livez")
}
