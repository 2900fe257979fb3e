package contract

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-openapi/spec"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// swaggerSchema is the official JSON schema of Swagger 2.0 documents.
func swaggerSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	official, err := json.Marshal(spec.MustLoadSwagger20Schema())
	require.NoError(t, err)
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(string(official)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("http://swagger.io/v2/schema.json", schema))
	compiled, err := c.Compile("http://swagger.io/v2/schema.json")
	require.NoError(t, err)
	return compiled
}

// swaggerViolation returns what about a Swagger 2.0 document is not valid, nil if nothing is.
func swaggerViolation(t *testing.T, document string) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	require.NoError(t, err, document)
	return swaggerSchema(t).Validate(value)
}

func TestTheGeneratedDocumentIsValidSwagger(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(harness.Root(), "docs", "swagger.json"))
	require.NoError(t, err)
	assert.NoError(t, swaggerViolation(t, string(document)))
}

func TestTheServedDocumentIsValidSwaggerUnderEverySetting(t *testing.T) {
	for settings, environment := range map[string][]string{
		"at most 3 attempts for a call. `smart` waits 300 ms before it fires its hedges. The largest timeout is 60000 ms.": nil,
		"at most 5 attempts for a call. `smart` waits 100 ms before it fires its hedges. The largest timeout is 10000 ms.": {
			"HEDGEROW_PRODUCERS=5", "HEDGEROW_HEDGE_DELAY=100ms", "HEDGEROW_MAX_TIMEOUT=10s",
		},
		"at most one attempt for a call. `smart` waits 1 ms before it fires its hedges. The largest timeout is 1 ms.": {
			"HEDGEROW_PRODUCERS=1", "HEDGEROW_HEDGE_DELAY=1ms", "HEDGEROW_MAX_TIMEOUT=1ms",
		},
	} {
		document := servedDocument(t, harness.Start(t, environment...))
		require.NoError(t, swaggerViolation(t, document), environment)
		assert.Contains(t, document, settings, environment)
	}
}

func TestTheServedDocumentIsValidSwaggerWithAFileOfAPIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apis:\n"+
		"  a: {url: https://a.example/v1, methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, REPORT], example: '/x//y?b=c'}\n"+
		"  b.c-d_e: {urls: [https://b.example], max_timeout: 5ms}\n"), 0o600))
	document := servedDocument(t, harness.Start(t, "HEDGEROW_CONFIG="+file))
	require.NoError(t, swaggerViolation(t, document))
	assert.Contains(t, document, `"/proxy/b.c-d_e/{path}"`)
}

// servedDocument is what a service says of its API.
func servedDocument(t *testing.T, h *harness.Hedgerow) string {
	t.Helper()
	response, err := http.Get(h.URL() + "/doc.json")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func TestABrokenDocumentIsNotValidSwagger(t *testing.T) {
	const begin = `{"swagger":"2.0","info":{"title":"x","version":"1"},"paths":{`
	require.NoError(t, swaggerViolation(t, begin+`}}`))
	for name, test := range map[string]struct{ document, want string }{
		"an empty host":               {begin + `},"host":""}`, "at '/host'"},
		"an empty basePath":           {begin + `},"basePath":""}`, "at '/basePath'"},
		"an unknown scheme":           {begin + `},"schemes":[""]}`, "at '/schemes/0'"},
		"an unknown member":           {begin + `},"servers":[]}`, "additional properties 'servers' not allowed"},
		"an answer with no text":      {begin + `"/a":{"get":{"responses":{"200":{}}}}}}`, "missing property 'description'"},
		"an operation with no answer": {begin + `"/a":{"get":{"responses":{}}}}}`, "at '/paths/~1a/get/responses'"},
		"a path with no slash":        {begin + `"a":{}}}`, "additional properties 'a' not allowed"},
		"another version":             {strings.Replace(begin, "2.0", "3.0", 1) + `}}`, "at '/swagger'"},
	} {
		t.Run(name, func(t *testing.T) { assert.ErrorContains(t, swaggerViolation(t, test.document), test.want) })
	}
}
