package file_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/file"
)

func TestSecretsNeverShow(t *testing.T) {
	read := good(t)
	secrets := []string{"hunter2", "m1rror", "s3same", "PRIVATE KEY"}
	for _, api := range read.APIs {
		type hidden struct{ api file.API }
		values := []any{read, *read, api, &api, api.URLs, api.URLs[0], api.Set, api.Example, &api.Example, api.Settings, api.TLS, hidden{api}}
		for _, value := range values {
			shown := fmt.Sprintf("%v %+v %#v %s %q %x %d", value, value, value, value, value, value, value)
			encoded, err := json.Marshal(value)
			require.NoError(t, err)
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", value)
			slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
			for _, secret := range secrets {
				assert.NotContains(t, shown, secret)
				assert.NotContains(t, shown, fmt.Sprintf("%x", secret))
				assert.NotContains(t, string(encoded), secret)
				assert.NotContains(t, log.String(), secret)
			}
		}
	}
	for _, secret := range secrets {
		assert.NotContains(t, read.Describe("localhost:5000"), secret)
	}
	assert.Equal(t, "Bearer ${RATES_TOKEN}", fmt.Sprint(read.APIs[0].Set[0].Value), "what is shown is what was written")
	assert.Equal(t, "https://b.example.org/${file:mirror.key}/", fmt.Sprint(read.APIs[1].URLs[1]))
}

func TestASecretIsFilledInOnceAndInScalarsOnly(t *testing.T) {
	for written, want := range map[string]string{
		"${TOKEN}":               "hunter2",
		"a ${TOKEN} b ${TOKEN}!": "a hunter2 b hunter2!",
		"$${TOKEN}":              "${TOKEN}",
		"$$${TOKEN}":             "$${TOKEN}",
		"${OTHER}":               "${TOKEN}",
		"$TOKEN":                 "$TOKEN",
		"a$ {b} $":               "a$ {b} $",
		"${TOKEN}}":              "hunter2}",
	} {
		read, err := reader().Parse("apis.yaml", []byte("apis: {a: {url: 'http://h', set: {X: '"+written+"'}}}"))
		require.NoError(t, err, written)
		value := read.APIs[0].Set[0].Value
		assert.Equal(t, want, value.Value(), written)
		assert.Equal(t, written, value.String())
	}
	_, err := reader().Parse("apis.yaml", []byte("apis: {'${TOKEN}': {url: 'http://h'}}"))
	assert.EqualError(t, err, `apis.yaml:1:8: "${TOKEN}" is not a name for an API: expected letters, digits, -, _ and .`)
}

func TestASecretCannotAddKeys(t *testing.T) {
	r := reader()
	r.LookupEnv = func(string) (string, bool) { return "x # : }\", strategy: all", true }
	read, err := r.Parse("apis.yaml", []byte("apis: {a: {url: 'http://h', set: {X: \"${A}\"}}}"))
	require.NoError(t, err)
	assert.Equal(t, "x # : }\", strategy: all", read.APIs[0].Set[0].Value.Value())
	assert.Equal(t, "smart", read.APIs[0].Strategy)
}

func TestASecretsFileLosesItsLastNewlineOnly(t *testing.T) {
	for content, want := range map[string]string{"s": "s", "s\n": "s", "a b\n": "a b"} {
		r := reader()
		r.ReadFile = func(path string) ([]byte, error) {
			assert.Equal(t, "/run/secrets/x", path)
			return []byte(content), nil
		}
		read, err := r.Parse("apis.yaml", []byte("apis: {a: {url: 'http://h', set: {X: '${file:/run/secrets/x}'}}}"))
		require.NoError(t, err)
		assert.Equal(t, want, read.APIs[0].Set[0].Value.Value())
	}
	for content, want := range map[string]string{
		"":       "X: ${file:/run/secrets/x} is empty: expected a file with a secret",
		"\n":     "X: ${file:/run/secrets/x} is empty: expected a file with a secret",
		"s\n\n":  "X: begins or ends with a space or a line break: expected the value of a header",
		"s\nt\n": "X: has a control character in it: expected the value of a header",
	} {
		r := reader()
		r.ReadFile = func(string) ([]byte, error) { return []byte(content), nil }
		_, err := r.Parse("apis.yaml", []byte("apis: {a: {url: 'http://h', set: {X: '${file:/run/secrets/x}'}}}"))
		assert.EqualError(t, err, "apis.yaml:1:38: "+want)
	}
}

func TestAHostShowsItselfUnlessThereIsASecretInIt(t *testing.T) {
	lookup := func(name string) (string, bool) {
		value, ok := map[string]string{"SECRET": "s3cret", "URL": "http://s3cret:80/x", "PORT": "99"}[name]
		return value, ok
	}
	for url, want := range map[string]string{ //nolint:gosec // no secrets
		"http://h:80/x": "h:80", "https://h": "h", "http://h/${SECRET}": "h",
		"http://${SECRET}.h/x": "http://${SECRET}.h/x", "${URL}/y": "${URL}/y", "http://h:${PORT}": "http://h:${PORT}",
	} {
		f, err := file.Reader{LookupEnv: lookup}.Parse("apis.yaml", []byte("apis: {a: {url: '"+url+"'}}"))
		require.NoError(t, err, url)
		host, secret := f.APIs[0].URLs[0].Host()
		assert.Equal(t, want, host)
		assert.Equal(t, want == url, secret)
	}
}
