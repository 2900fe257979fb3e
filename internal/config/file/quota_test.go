package file_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/quota"
)

func TestEachAPIHasTheQuotaOfTheDefaultsUnlessItSaysOtherwise(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte(`
defaults: {quota: 100/s}
apis:
  same: {url: "http://h"}
  own: {url: "http://h", quota: 30/h}
  none: {url: "http://h", quota: off}
`))
	require.NoError(t, err)
	want := []quota.Rate{{Requests: 100, Per: time.Second}, {Requests: 30, Per: time.Hour}, {}}
	for i, api := range read.APIs {
		assert.Equal(t, want[i], api.Quota, api.Name)
	}
}

func TestTheQuotaIsDescribedInWords(t *testing.T) {
	for text, want := range map[string]string{
		"100/s": "quota          100/s: at most 100 at once; attempts beyond a call's first are not sent when less than a tenth of that is left\n",
		"600/m": "quota          600/m: at most 10 at once; attempts beyond a call's first are not sent when less than a tenth of that is left\n",
		"30/h":  "quota          30/h: at most 1 at once; attempts beyond a call's first are not sent when less than a tenth of that is left\n",
		"off":   "quota          off: nothing bounds the requests\n",
	} {
		read, err := reader().Parse("apis.yaml", []byte(`apis: {a: {url: "http://h", quota: `+text+`}}`))
		require.NoError(t, err, text)
		assert.Contains(t, read.Describe("localhost:5000"), want, text)
	}
}
