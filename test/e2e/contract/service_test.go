package contract

import (
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/contract/trouble"
	"hedgerow/test/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// seen are the answers got from running services: "GET /api/all 200".
type seen map[string]bool

// get asks a service, checks the answer against the contract and its status, and returns the body.
func (s seen) get(t *testing.T, h *harness.Hedgerow, target string, status int) string {
	t.Helper()
	return s.do(t, h, http.MethodGet, target, status)
}

func (s seen) do(t *testing.T, h *harness.Hedgerow, method, target string, status int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, h.URL()+target, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	Check(t, request, response, body)
	assert.Equal(t, status, response.StatusCode, "%s %s: %s", method, target, body)
	s[answer(method, request.URL.Path, strconv.Itoa(response.StatusCode))] = true
	return string(body)
}

func answer(method, path, status string) string { return method + " " + path + " " + status }

func TestARunningServiceGivesEveryDocumentedAnswerAsDocumented(t *testing.T) {
	seen := seen{}
	fast := harness.Start(t, "HEDGEROW_TESTSERVER_FAIL=0", "HEDGEROW_TESTSERVER_MIN=1ms", "HEDGEROW_TESTSERVER_MAX=20ms")
	hanging, failing, overloaded, stopping := trouble.Hanging(t), trouble.Failing(t), trouble.Overloaded(t), trouble.Stopping(t)
	for _, path := range Strategies() {
		seen.get(t, fast, path+"?timeout=10000", 200)
		for _, query := range []string{"", "?timeout=", "?timeout=0", "?timeout=60001", "?timeout=1.5", "?timeout=1&timeout=1", "?timeout=%zz"} {
			seen.get(t, fast, path+query, 400)
		}
		if path == "/api/within-timeout" {
			assert.Equal(t, "[]", seen.get(t, hanging, path+"?timeout=1000", 200))
			assert.Equal(t, "[]", seen.get(t, failing, path+"?timeout=10000", 200))
		} else {
			seen.get(t, hanging, path+"?timeout=1000", 504)
			seen.get(t, failing, path+"?timeout=10000", 502)
		}
		seen.get(t, overloaded, path+"?timeout=1000", 503)
		seen.get(t, stopping, path+"?timeout=0", 400)
	}
	for _, h := range []*harness.Hedgerow{fast, hanging, failing, overloaded} {
		seen.get(t, h, "/livez", 200)
		seen.get(t, h, "/readyz", 200)
	}
	seen.get(t, stopping, "/livez", 200)
	seen.get(t, stopping, "/readyz", 503)

	doc, err := document()
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		if path == Proxy {
			continue // internal/http has a test of each
		}
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				assert.True(t, seen[answer(method, path, status)], "%s is documented and was not seen", answer(method, path, status))
			}
		}
	}
}

func TestARunningServiceAnswersWhatItDoesNotHaveWithAProblem(t *testing.T) {
	seen, h := seen{}, harness.Start(t)
	for _, target := range []string{"/none", "/api", "/api/", "/api/all/", "/api/ALL?timeout=1", "//api/all", "/api/%61ll/x"} {
		seen.get(t, h, target, 404)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "QUERY"} {
		seen.do(t, h, method, "/api/all?timeout=1", 405)
		seen.do(t, h, method, "/readyz", 405)
	}
}
