package console

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-openapi/spec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var strategies = []string{"smart", "first"}

func rates(operations ...Operation) API {
	return API{Name: "rates", Example: "/latest?base=EUR", Operations: operations}
}

func with(apis ...API) Settings {
	return Settings{APIs: func() []API { return apis }, Strategies: strategies, Details: map[int]string{404: "no such API"}}
}

func TestTheDocumentListsEachAPIOfTheFileByItsExampleWithItsMethodsAndOurControlHeaders(t *testing.T) {
	read := Operation{Method: "GET", Timeout: 800 * time.Millisecond, MaxTimeout: 10 * time.Second, Strategy: "first"}
	write := Operation{Method: "POST", Timeout: 3 * time.Second, MaxTimeout: 5 * time.Second, Strategy: "smart"}
	_, d := document(t, with(rates(read, write), API{Name: "other", Example: "/", Operations: []Operation{read}}))

	require.Contains(t, d.Paths.Paths, "/proxy/other/{path}")
	item := d.Paths.Paths["/proxy/rates/{path}"]
	assert.Nil(t, item.Put, "it has no such method")
	assert.Equal(t, "/proxy/rates/latest?base=EUR", item.Get.Summary)
	for operation, o := range map[*spec.Operation]Operation{item.Get: read, item.Post: write} {
		path, timeout, strategy := operation.Parameters[0], operation.Parameters[1], operation.Parameters[2]
		assert.Equal(t, "path", path.In)
		assert.Equal(t, "/latest?base=EUR", path.Extensions["x-example"])
		assert.Equal(t, "Hedgerow-Timeout", timeout.Name)
		assert.Equal(t, "header", timeout.In)
		assert.False(t, timeout.Required)
		assert.InDelta(t, 1, *timeout.Minimum, 0)
		assert.InDelta(t, o.MaxTimeout.Milliseconds(), *timeout.Maximum, 0)
		assert.InDelta(t, o.Timeout.Milliseconds(), timeout.Extensions["x-example"], 0)
		assert.Equal(t, "Hedgerow-Strategy", strategy.Name)
		assert.Equal(t, "header", strategy.In)
		assert.Equal(t, []any{"smart", "first"}, strategy.Enum)
		assert.Equal(t, o.Strategy, strategy.Default)
	}
	assert.Len(t, item.Get.Parameters, 3, "GET has no body")
	assert.Equal(t, "body", item.Post.Parameters[3].In)
	assert.NotEmpty(t, item.Get.Responses.Default.Description)
	for _, status := range []int{400, 404, 405, 408, 413, 502, 503, 504, 508} {
		response := item.Get.Responses.StatusCodeResponses[status]
		require.NotNil(t, response.Schema, status)
		name := response.Schema.Ref.GetPointer().DecodedTokens()[1]
		assert.InDelta(t, status, d.Definitions[name].Properties["status"].Example, 0)
		assert.Equal(t, http.StatusText(status), d.Definitions[name].Properties["title"].Example)
	}
	assert.Equal(t, "no such API", d.Definitions["UnknownAPI"].Properties["error"].Example)
}

func TestWithoutAFileTheDocumentIsAsItWouldBeWithoutProxy(t *testing.T) {
	text, d := document(t, Settings{Strategies: strategies, Details: map[int]string{404: "x"}})
	assert.NotContains(t, text, "proxy")
	assert.Len(t, d.Tags, 2)
	plain, _ := document(t, Settings{})
	assert.Equal(t, plain, text)
}

func TestTheDocumentFollowsTheFile(t *testing.T) {
	var apis []API
	s := with()
	s.APIs = func() []API { return apis }
	assets, err := New(s)
	require.NoError(t, err)
	ask := func() (tag string, paths map[string]spec.PathItem) {
		for _, a := range assets {
			if a.Path == "/doc.json" {
				w := httptest.NewRecorder()
				a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/doc.json", nil))
				var d spec.Swagger
				require.NoError(t, json.Unmarshal(w.Body.Bytes(), &d))
				return w.Header().Get("Etag"), d.Paths.Paths
			}
		}
		return "", nil
	}
	before, paths := ask()
	assert.NotContains(t, paths, "/proxy/rates/{path}")

	apis = []API{rates(Operation{Method: "GET"})}
	after, paths := ask()
	assert.Contains(t, paths, "/proxy/rates/{path}")
	assert.NotEqual(t, before, after, "a browser's copy is not good any more")

	apis = nil
	again, paths := ask()
	assert.NotContains(t, paths, "/proxy/rates/{path}")
	assert.Equal(t, before, again)
}
