package browser

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// renewal is what to do when the picture has to change.
const renewal = "images/swagger.png is out of date. To renew it: cd test/e2e && UPDATE_IMAGES=1 go test ./browser -run Picture"

const pictureWidth = 1024 // pixels: GitHub shows it at 840 or so, and one can still read it

// fix replaces what differs from run to run: the port, the time of day, the winner, the id and the durations.
const fix = `(() => {
	const replacements = [
		[/localhost:\d+/, "localhost:5000"],
		[/date: .+ GMT/, "date: Wed,25 Nov 2026 12:00:00 GMT"],
		[/server-timing: attempt1;.+;dur=[\d.]+/, 'server-timing: attempt1;desc="running";dur=163.4,attempt2;desc="won";dur=163.4,attempt3;desc="running";dur=163.4'],
		[/x-request-id: \w+/, "x-request-id: F33IVFCTNHWLBXKT3MQ5FQHGBS"],
		[/^\d+ ms$/, "165 ms"],
	]
	for (const element of document.querySelectorAll(".opblock.is-open :not(:has(*))")) {
		for (const [pattern, text] of replacements) {
			if (pattern.test(element.textContent)) element.textContent = element.textContent.replace(pattern, text)
		}
	}
	document.activeElement.blur() // a button that was pressed looks different
	return Promise.all(document.getAnimations().map(a => a.finished)).then(() => "")
})()`

// openFirst shows the console after a call of first.
func openFirst(t *testing.T) *tab {
	t.Helper()
	h := harness.Start(t, "HEDGEROW_TESTSERVER_MIN=163ms", "HEDGEROW_TESTSERVER_MAX=163ms", "HEDGEROW_TESTSERVER_FAIL=0")
	b := newTab(t)
	b.run(chromedp.EmulateViewport(pictureWidth, 1000))
	b.openConsole("http://localhost" + port(h))
	b.tryOut("first")
	b.setTimeout("first", "1000")
	require.Equal(t, "200", b.execute("first").status)
	return b
}

// TestThePictureOfTheConsoleIsUpToDate compares images/swagger.png with the console. UPDATE_IMAGES=1 in the environment makes it
// write the picture first. The fonts are those of Debian's fonts-dejavu-core, whatever else the machine has.
func TestThePictureOfTheConsoleIsUpToDate(t *testing.T) {
	content := openFirst(t).picture()
	assert.Less(t, len(content), 300_000)

	file := filepath.Join(harness.Root(), "images", "swagger.png")
	if os.Getenv("UPDATE_IMAGES") == "1" {
		require.NoError(t, os.WriteFile(file, content, 0o644))
	}
	committed, err := os.ReadFile(file)
	require.NoError(t, err, renewal)
	want, got := decode(t, committed), decode(t, content)
	require.Equal(t, want.Bounds(), got.Bounds(), renewal)
	assert.Empty(t, differences(want, got), renewal)
}

// picture returns a PNG of the page from its top to a bit below the answer, the same each time.
func (b *tab) picture() []byte {
	b.t.Helper()
	b.run(chromedp.MouseEvent("mouseMoved", 0, 0)) // away from the button
	b.evaluate(fix)
	var bottom float64
	var content []byte
	b.run(chromedp.Evaluate(`document.querySelector(".live-responses-table").getBoundingClientRect().bottom + scrollY + 10`, &bottom),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			content, err = page.CaptureScreenshot().WithCaptureBeyondViewport(true).
				WithClip(&page.Viewport{Width: pictureWidth, Height: bottom, Scale: 1}).Do(ctx)
			return err
		}))
	return content
}

func TestAPictureInWhichOneCharacterDiffersIsAnother(t *testing.T) {
	b := openFirst(t)
	before := decode(t, b.picture())
	assert.Empty(t, differences(before, decode(t, b.picture())))
	for _, edit := range []string{`"163", "168"`, `"The first", "The tirst"`, `"at the timeout.", "at the timeout,"`} {
		b.evaluate(`(() => {
			const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
			while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replace(` + edit + `)
			return ""
		})()`)
		after := decode(t, b.picture())
		assert.NotEmpty(t, differences(before, after), edit)
		before = after
	}
}

func decode(t *testing.T, content []byte) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(content))
	require.NoError(t, err)
	return picture
}

const (
	blockSize = 8 // pixels: about a letter
	// tolerance is how much a block's mean brightness, 0 to 255, may differ. A changed digit makes a difference of 4.7. Letters that
	// are smoothed a little differently make less.
	tolerance = 3
)

// differences returns the blocks in which two pictures of the same size differ.
func differences(a, b image.Image) []image.Rectangle {
	var blocks []image.Rectangle
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y += blockSize {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x += blockSize {
			block := image.Rect(x, y, x+blockSize, y+blockSize).Intersect(a.Bounds())
			if math.Abs(brightness(a, block)-brightness(b, block)) > tolerance {
				blocks = append(blocks, block)
			}
		}
	}
	return blocks
}

// brightness returns the mean of a block's pixels.
func brightness(picture image.Image, block image.Rectangle) float64 {
	sum := 0
	for y := block.Min.Y; y < block.Max.Y; y++ {
		for x := block.Min.X; x < block.Max.X; x++ {
			sum += int(color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y)
		}
	}
	return float64(sum) / float64(block.Dx()*block.Dy())
}
