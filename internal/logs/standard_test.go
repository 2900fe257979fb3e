package logs

import (
	"bytes"
	"log"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatGoesToThePackageLogIsOneLineAMinuteForEachPlaceWithoutItsText(t *testing.T) {
	t.Cleanup(func() {
		log.SetOutput(os.Stderr)
		log.SetFlags(log.LstdFlags)
	})
	synctest.Test(t, func(t *testing.T) {
		var sink bytes.Buffer
		_, out := Open(Settings{Format: "json"}, &sink)
		for range 2 {
			for range 100 {
				log.Printf("something that begins with %q", strings.Repeat("secret", 1000))
			}
			log.Print("secret: ", "of another kind")
			time.Sleep(time.Minute)
		}
		require.NoError(t, out.Close())

		lines := strings.SplitAfter(sink.String(), "\n")
		require.Len(t, lines, 5)
		for i, unlogged := range []string{"0", "99"} {
			assert.Regexp(t, `"level":"WARN","msg":"a library has written to its own log","source":"standard_test.go:\d+","unlogged":`+unlogged+`}`, lines[2*i])
			assert.Regexp(t, `"level":"WARN","msg":"a library has written to its own log","source":"standard_test.go:\d+","unlogged":0}`, lines[2*i+1])
		}
		assert.NotContains(t, sink.String(), "secret")
	})
}
