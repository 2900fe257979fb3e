package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestTheCommittedCollectionIsFresh(t *testing.T) {
	api := filepath.Join(harness.Root(), "api")
	want, err := generate(filepath.Join(api, "openapi.json"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(api, "hedgerow.postman_collection.json"))
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "make generate")
}

func TestNoPlaceholderIsLeft(t *testing.T) {
	data, err := generate(filepath.Join(harness.Root(), "api", "openapi.json"))
	require.NoError(t, err)
	assert.NotRegexp(t, `__[A-Z]+__`, string(data))
}

func TestTheSameDocumentGivesTheSameBytes(t *testing.T) {
	document := filepath.Join(harness.Root(), "api", "openapi.json")
	first, err := generate(document)
	require.NoError(t, err)
	for range 20 { // map order differs from run to run
		again, err := generate(document)
		require.NoError(t, err)
		require.Equal(t, string(first), string(again))
	}
}

func TestWithoutTwoFilesOrWithAMissingOneItFails(t *testing.T) {
	var stderr strings.Builder
	assert.Equal(t, 2, run(nil, &stderr))
	assert.Equal(t, 1, run([]string{"/does/not/exist", filepath.Join(t.TempDir(), "x.json")}, &stderr))
	assert.Contains(t, stderr.String(), "usage: ")
	assert.Contains(t, stderr.String(), "/does/not/exist")
}
