package secrets

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forms are the ways in which a secret may show itself.
func forms(t *testing.T, secret string) []string {
	t.Helper()
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`), strings.Trim(strconv.Quote(secret), `"`),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for before := range 3 { // what stands before it shifts its bits
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
			all = append(all, text[(before*8+5)/6:len(text)-2]) // less what shares a character with its neighbours
		}
	}
	return all
}

// assertHidden fails when a secret shows in any of the texts, in any form.
func assertHidden(t *testing.T, secrets map[string]string, texts map[string]string) {
	t.Helper()
	for where, text := range texts {
		text = unpacked(text)
		for name, secret := range secrets {
			for _, form := range forms(t, secret) {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s is in %s: ...%q", name, where, text[max(0, i-200):min(len(text), i+len(form)+50)])
				}
			}
		}
	}
}

func unpacked(text string) string {
	reader, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		return text
	}
	all, _ := io.ReadAll(reader)
	return string(all)
}

func TestASecretIsFoundInEveryForm(t *testing.T) {
	const secret = `Zq7"ü/+ %s3cret&<9` //nolint:gosec // nobody's
	quoted, err := json.Marshal("x" + secret + "y")
	require.NoError(t, err)
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err = io.WriteString(writer, "x"+secret)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	texts := map[string]string{
		"JSON": string(quoted), "a URL": url.QueryEscape("x" + secret), "a path": url.PathEscape("x" + secret), "Go": strconv.Quote(secret), "gzip": packed.String(),
		"hex": hex.EncodeToString([]byte(secret)), "plain": "x" + secret + "y",
	}
	for _, before := range []string{"", "u:", "user:", "a:"} {
		texts["basic "+before] = base64.StdEncoding.EncodeToString([]byte(before + secret + "~"))
		texts["url "+before] = base64.URLEncoding.EncodeToString([]byte(before + secret))
	}
	for where, text := range texts {
		found := false
		for _, form := range forms(t, secret) {
			found = found || strings.Contains(unpacked(text), form)
		}
		assert.True(t, found, "%s: %s", where, text)
	}
}
