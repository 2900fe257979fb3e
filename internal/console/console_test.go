package console

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-openapi/spec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	swaggerFiles "github.com/swaggo/files/v2"

	"hedgerow/internal/hedge"
)

// document returns what the console serves as doc.json.
func document(t *testing.T, s Settings) (text string, d spec.Swagger) {
	t.Helper()
	assets, err := New(s)
	require.NoError(t, err)
	for _, a := range assets {
		if a.Path == "/doc.json" {
			w := httptest.NewRecorder()
			a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/doc.json", nil))
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &d))
			return w.Body.String(), d
		}
	}
	t.Fatal("there is no document")
	return "", d
}

func TestTheDocumentIsTrueUnderEverySetting(t *testing.T) {
	text, d := document(t, Settings{
		Producers: 5, HedgeDelay: hedge.When{Delay: 100 * time.Millisecond}, MaxTimeout: 10 * time.Second, NoTimeout: "from 1 to 10000",
	})
	assert.NotRegexp(t, `(?i)\bthree\b|\btwo\b|\b[23] more|\b[23] at once|\b[23] attempts|300 ms|60000|60 s`, text)
	assert.Contains(t, d.Info.Description, "at most 5 attempts for a call. `smart` waits 100 ms")
	assert.Contains(t, d.Info.Description, "The largest timeout is 10000 ms.")

	_, d = document(t, Settings{Producers: 1, HedgeDelay: hedge.When{Delay: 1500 * time.Microsecond}, MaxTimeout: time.Minute})
	assert.Contains(t, d.Info.Description, "at most one attempt for a call. `smart` waits 1.5 ms")

	_, d = document(t, Settings{Producers: 3, HedgeDelay: hedge.When{Quantile: 995}, MaxTimeout: time.Minute})
	assert.Contains(t, d.Info.Description, "`smart` waits for p99.5 of the last minute's attempts before it fires its hedges.")
}

func TestTheDocumentAllowsTimeoutsUpToTheLargest(t *testing.T) {
	for maximum, suggested := range map[int]float64{60_000: 3000, 120_000: 3000, 1500: 1500} {
		_, d := document(t, Settings{Producers: 3, MaxTimeout: time.Duration(maximum) * time.Millisecond, NoTimeout: "told"})
		calls, limited := 0, 0
		for path, item := range d.Paths.Paths {
			if strings.HasPrefix(path, "/api/") {
				calls++
			}
			for _, p := range item.Get.Parameters {
				limited++
				assert.Equal(t, "timeout", p.Name)
				assert.True(t, p.Required, path)
				assert.Nil(t, p.Default, "what is required has no default")
				assert.InDelta(t, 1, *p.Minimum, 0, path)
				assert.InDelta(t, maximum, *p.Maximum, 0, path)
				assert.InDelta(t, suggested, p.Extensions["x-example"], 0, path)
			}
		}
		assert.NotZero(t, calls)
		assert.Equal(t, calls, limited, "every call has a timeout")
		assert.Equal(t, "told", d.Definitions["InvalidTimeout"].Properties["detail"].Example)
		assert.Equal(t, "told", d.Definitions["InvalidTimeout"].Properties["error"].Example)
	}
}

func TestTheDocumentIsTheSameAtEveryStart(t *testing.T) {
	first, _ := document(t, Settings{Producers: 3, MaxTimeout: time.Minute})
	for range 10 {
		again, _ := document(t, Settings{Producers: 3, MaxTimeout: time.Minute})
		assert.Equal(t, first, again)
	}
}

func TestAStockAssetThatIsMissingOrEmptyIsAnErrorAtTheStart(t *testing.T) {
	for _, name := range names {
		if _, err := own.ReadFile("own/" + name); err == nil || name == "doc.json" {
			continue // not stock
		}
		files := fstest.MapFS{}
		for _, other := range names {
			if content, err := fs.ReadFile(swaggerFiles.FS, other); err == nil {
				files[other] = &fstest.MapFile{Data: content}
			}
		}
		_, err := newAssets(files, Settings{})
		require.NoError(t, err)

		files[name] = &fstest.MapFile{}
		_, err = newAssets(files, Settings{})
		require.EqualError(t, err, "the console's "+name+": it is empty")

		delete(files, name)
		_, err = newAssets(files, Settings{})
		require.EqualError(t, err, "the console's "+name+": open "+name+": file does not exist")
	}
}

func TestADocumentThatCannotBeEditedIsAnError(t *testing.T) {
	for _, document := range []string{"", "[]", "{}", `{"info": {}}`} {
		_, err := edit([]byte(document), Settings{}, nil)
		require.Error(t, err, document)
	}
}
