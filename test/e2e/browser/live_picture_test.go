package browser

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// view is a window and what it prefers.
type view struct {
	file          string // below images/
	width, height int64
	scheme        string
	opens         bool // the details of a call
}

// TestTheLivePageIsReadableEverywhere looks at the page under load on a desk and on a phone, light and dark. With UPDATE_IMAGES=1 in the
// environment it takes the pictures of images/ anew.
func TestTheLivePageIsReadableEverywhere(t *testing.T) {
	h, load := startLive(t)
	b := newTab(t)
	done := make(chan struct{})
	go func() { load(14 * time.Second); close(done) }()
	defer func() { <-done }()
	if takesPictures() {
		time.Sleep(5 * time.Second) // their figures are those of more than a moment
	}
	for _, v := range []view{
		{"live.png", 1280, 900, "light", true},
		{"live-dark.png", 1280, 900, "dark", false},
		{"live-phone.png", 390, 844, "light", false},
		{"live-phone-dark.png", 390, 844, "dark", true},
	} {
		b.run(chromedp.EmulateViewport(v.width, v.height))
		b.scheme(v.scheme)
		b.openLive(h)
		b.await(shownRows + " > 20 && " + `document.querySelectorAll("#apis tbody tr").length === 4`)
		if v.opens {
			b.run(chromedp.SetValue("#by-strategy", "smart"), chromedp.Click("#trouble"))
			b.await(`document.querySelector("#calls > .answered.slow") !== null`)
			b.run(chromedp.Evaluate(`document.querySelector("#calls > .answered.slow > button").click()`, nil))
			b.await(`document.querySelector("#calls .why") !== null`)
			b.run(chromedp.Evaluate(`document.querySelector(innerWidth > 760 ? "h1" : "#calls-title").scrollIntoView()`, nil))
		}
		assert.LessOrEqual(t, b.number("document.scrollingElement.scrollWidth"), int(v.width), "nothing is beyond the edge: %v", v)
		assert.Empty(t, b.evaluate(unreadable), "%v", v)
		b.take(v)
	}
	b.assertQuiet("http://" + h.AdminAddr)
}

// unreadable names the elements whose text is smaller than 12 pixels, or differs too little from what is behind it (WCAG 2, AA).
const unreadable = `(() => {
	const channels = colour => colour.match(/[\d.]+/g).map(Number)
	const luminance = colour => channels(colour).slice(0, 3).map(c => c / 255).map(c => c <= .04 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0)
	const behind = e => {
		const colour = getComputedStyle(e).backgroundColor
		return channels(colour)[3] === 0 ? behind(e.parentElement) : colour
	}
	return [...document.querySelectorAll("body *")].filter(e => {
		if (!e.checkVisibility() || e.matches("svg *, option, script, style") || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) return false
		const style = getComputedStyle(e), [dark, light] = [luminance(style.color), luminance(behind(e))].sort((a, b) => a - b)
		return parseFloat(style.fontSize) < 12 || (light + .05) / (dark + .05) < 4.5
	}).map(e => e.tagName + "." + e.className + " " + e.textContent).join("; ")
})()`

func takesPictures() bool { return os.Getenv("UPDATE_IMAGES") == "1" }

// take writes a picture of what the window shows, when that is wanted.
func (b *tab) take(v view) {
	b.t.Helper()
	if !takesPictures() {
		return
	}
	b.evaluate(`document.getElementById("replica").textContent = "replica-1 · v1.4.0"`) // not this machine's
	var content []byte
	b.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		content, err = page.CaptureScreenshot().Do(ctx)
		return err
	}))
	require.NoError(b.t, os.WriteFile(filepath.Join(harness.Root(), "images", v.file), content, 0o644))
}
