package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func generated() string { return filepath.Join(harness.Root(), "docs", "swagger.json") }

// converted is the generated document in OpenAPI 3, read back by a fresh loader.
func converted(t *testing.T) *openapi3.T {
	swagger, err := os.ReadFile(generated())
	require.NoError(t, err)
	data, err := convert(swagger)
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(data)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	return doc
}

func TestAnErrorIsAProblemAndASuccessIsJSON(t *testing.T) {
	answers := 0
	for path, item := range converted(t).Paths.Map() {
		if path == "/proxy/{api}/{path}" {
			continue // whatever the API answers
		}
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				answers++
				want := "application/json"
				if status >= "400" {
					want = "application/problem+json"
				}
				require.Len(t, response.Value.Content, 1, "%s %s", path, status)
				assert.Contains(t, response.Value.Content, want, "%s %s", path, status)
			}
		}
	}
	assert.Equal(t, documented(t), answers, "none is lost")
}

// documented counts the answers of the document that is converted.
func documented(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(generated())
	require.NoError(t, err)
	var swagger struct {
		Paths map[string]map[string]struct {
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(text, &swagger))
	answers := 0
	for _, operations := range swagger.Paths {
		for _, operation := range operations {
			answers += len(operation.Responses)
		}
	}
	require.Positive(t, answers)
	return answers
}

func TestNothingElseIsLost(t *testing.T) {
	doc := converted(t)
	assert.Equal(t, "/", doc.Servers[0].URL)
	assert.Equal(t, "Hedgerow", doc.Info.Title)
	operation := doc.Paths.Value("/api/smart").Get
	require.Len(t, operation.Parameters, 1)
	timeout := operation.Parameters[0].Value
	assert.True(t, timeout.Required)
	assert.InDelta(t, 60000, *timeout.Schema.Value.Max, 0)
	assert.Contains(t, operation.Responses.Value("503").Value.Headers, "Retry-After")
	assert.Equal(t, []string{"time"}, doc.Components.Schemas["Answer"].Value.Required)
}

func TestTheAPIsOfTheFileAreDescribedWithTheirControlHeadersAndProblems(t *testing.T) {
	item := converted(t).Paths.Value("/proxy/{api}/{path}")
	require.NotNil(t, item)
	var names []string
	for _, parameter := range item.Parameters {
		names = append(names, parameter.Value.Name)
	}
	assert.Equal(t, []string{"api", "path", "Hedgerow-Timeout", "Hedgerow-Strategy"}, names)
	assert.Contains(t, item.Parameters[1].Value.Description, "OpenAPI cannot describe that")
	assert.Len(t, item.Operations(), 7)
	for method, operation := range item.Operations() {
		assert.Contains(t, operation.Responses.Default().Value.Headers, "Hedgerow-Requests", method)
		for _, status := range []int{400, 404, 405, 408, 413, 502, 503, 504, 508} {
			response := operation.Responses.Status(status)
			require.NotNil(t, response, "%s %d", method, status)
			assert.Contains(t, response.Value.Content, "application/problem+json", "%s %d", method, status)
		}
	}
}

func TestTheSameDocumentGivesTheSameBytes(t *testing.T) {
	swagger, err := os.ReadFile(generated())
	require.NoError(t, err)
	var outputs []string
	for range 20 { // map order differs from run to run
		data, err := convert(swagger)
		require.NoError(t, err)
		outputs = append(outputs, string(data))
	}
	assert.Len(t, slices.Compact(outputs), 1)
}

func TestAnErrorThatIsNoProblemIsRefused(t *testing.T) {
	_, err := convert([]byte(`{"swagger":"2.0","info":{"title":"x","version":"1"},"paths":{"/a":{"get":{
		"produces":["application/json"],"responses":{"500":{"description":"no","schema":{"type":"string"}}}}}}}`))
	require.EqualError(t, err, "GET /a, 500: the operation does not produce application/problem+json")
}

func TestWithoutTwoFilesOrWithAMissingOneItFails(t *testing.T) {
	var stderr strings.Builder
	assert.Equal(t, 2, run(nil, &stderr))
	assert.Equal(t, 1, run([]string{"/does/not/exist", filepath.Join(t.TempDir(), "x.json")}, &stderr))
	assert.Contains(t, stderr.String(), "usage: ")
	assert.Contains(t, stderr.String(), "/does/not/exist")
}
