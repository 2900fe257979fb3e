package browser

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// TestThePictureOfTheConsoleShowsAnExecutedCall takes the picture that the README shows. UPDATE_IMAGES=1 in the environment makes it write the file.
func TestThePictureOfTheConsoleShowsAnExecutedCall(t *testing.T) {
	environment := []string{"HEDGEROW_TESTSERVER_MIN=163ms", "HEDGEROW_TESTSERVER_MAX=163ms", "HEDGEROW_TESTSERVER_FAIL=0"}
	update := os.Getenv("UPDATE_IMAGES") == "1"
	if update {
		environment = append(environment, "HEDGEROW_ADDR=:5000") // as readers will see it
	}
	h := harness.Start(t, environment...)
	b := newTab(t)
	b.openConsole("http://localhost" + port(h))
	b.tryOut("first")
	b.execute("first")
	b.clear("first") // the second call shows what a call takes; the first one opened connections
	require.Equal(t, "200", b.execute("first").status)

	content := b.picture(block("first") + " .live-responses-table")
	assert.Less(t, len(content), 300_000)
	picture, err := png.Decode(bytes.NewReader(content))
	require.NoError(t, err)
	assert.Equal(t, 1280, picture.Bounds().Dx())
	assert.Greater(t, colours(picture), 100, "it is not blank")
	if update {
		t.Log("the picture shows a call of",
			b.evaluate(`[...document.querySelectorAll(".live-responses-table pre")].at(-1).innerText`))
		file := filepath.Join(harness.Root(), "images", "swagger.png")
		require.NoError(t, os.WriteFile(file, content, 0o644))
	}
}

// picture returns a PNG of the page from its top to the end of an element.
func (b *tab) picture(last string) []byte {
	b.t.Helper()
	var bottom float64
	var content []byte
	b.run(chromedp.Evaluate(`document.querySelector("`+last+`").getBoundingClientRect().bottom + scrollY`, &bottom),
		chromedp.ActionFunc(func(ctx context.Context) (err error) {
			content, err = page.CaptureScreenshot().WithCaptureBeyondViewport(true).
				WithClip(&page.Viewport{Width: 1280, Height: bottom, Scale: 1}).Do(ctx)
			return err
		}))
	return content
}

func colours(picture image.Image) int {
	seen := map[any]bool{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			seen[picture.At(x, y)] = true
		}
	}
	return len(seen)
}
