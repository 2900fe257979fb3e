// Package contract checks what Hedgerow answers against the API's document, api/openapi.json, so that every test that gets an
// answer can check all of it and not only the part it is about.
package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"hedgerow/test/e2e/harness"
)

// Proxy is the path of the file's APIs in the document. Answers below it are not checked against the document, which says of them
// only that they are the API's: OpenAPI has no parameter with slashes in it, and no words for "the same bytes".
const Proxy = "/proxy/{api}/{path}"

// Check fails the test when an answer breaks the contract: Violation.
func Check(t testing.TB, request *http.Request, response *http.Response, body []byte) {
	t.Helper()
	if err := Violation(request, response, body); err != nil {
		t.Errorf("%s %s: the answer breaks the contract: %v\nstatus %d, %v\n%s",
			request.Method, request.URL.RequestURI(), err, response.StatusCode, response.Header, body)
	}
}

// Violation returns what about an answer breaks the contract, nil if nothing does. A method that the document does not give a path
// can only be answered with 404 or 405. The request's method and URL are looked at, of the response the status and the headers;
// body is its whole body. It is safe for concurrent use.
func Violation(request *http.Request, response *http.Response, body []byte) error {
	doc, err := document()
	if err != nil {
		return err
	}
	for name := range response.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			return fmt.Errorf("the header %s is there", name)
		}
	}
	item := doc.Paths.Value(request.URL.Path)
	route := &routers.Route{Spec: doc, Path: request.URL.Path, PathItem: item, Method: request.Method}
	if item != nil {
		route.Operation = item.GetOperation(request.Method)
	}
	if route.Operation == nil {
		route.Operation = noOperation(doc)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, Route: route},
		Status:                 response.StatusCode, Header: response.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		return err
	}
	if !json.Valid(body) { // kin-openapi reads one value and does not look further
		return errors.New("something comes after the body's value")
	}
	if response.StatusCode >= 400 {
		return problemViolation(response, body)
	}
	return nil
}

// problemViolation returns what a problem says that its answer does not, or that it says twice and differently. No schema can tell.
func problemViolation(response *http.Response, body []byte) error {
	var p struct {
		Type, Title, Detail, Error string
		Status                     int
		RequestID                  string `json:"request_id"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return err
	}
	var errs []error
	differ := func(member string, got, want any) {
		if got != want {
			errs = append(errs, fmt.Errorf("the member %s is %v instead of %v", member, got, want))
		}
	}
	differ("type", p.Type, "about:blank")
	differ("title", p.Title, http.StatusText(response.StatusCode))
	differ("status", p.Status, response.StatusCode)
	differ("error", p.Error, p.Detail)
	differ("request_id", p.RequestID, response.Header.Get("X-Request-Id"))
	if p.Detail == "" {
		errs = append(errs, errors.New("the member detail is empty"))
	}
	return errors.Join(errs...)
}

// noOperation is what the document would say of paths and methods that it does not have.
func noOperation(doc *openapi3.T) *openapi3.Operation {
	// The problem of status 400 has the members that every problem has, and no others.
	badRequest := doc.Paths.Value("/api/first").Get.Responses.Value("400")
	return &openapi3.Operation{Responses: openapi3.NewResponses(
		openapi3.WithStatus(http.StatusNotFound, badRequest),
		openapi3.WithStatus(http.StatusMethodNotAllowed, badRequest))}
}

// Strategies returns the paths that make calls, each by a strategy of its own, as the document has them. It panics when there is no
// document.
func Strategies() []string {
	doc, err := document()
	if err != nil {
		panic(err)
	}
	var paths []string
	for _, path := range doc.Paths.InMatchingOrder() {
		if strings.HasPrefix(path, "/api/") {
			paths = append(paths, path)
		}
	}
	return paths
}

// document is the API's document, made strict.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(harness.Root(), "api", "openapi.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: make generate", err)
	}
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	makeStrict(doc)
	return doc, nil
})

// makeStrict makes members that the document does not have a violation, and headers that it has a must. The document cannot say so
// itself: it is converted from OpenAPI 2, where swag gives objects no such limit and headers are always optional.
func makeStrict(doc *openapi3.T) {
	for _, schema := range doc.Components.Schemas {
		if schema.Value.Type.Is("object") {
			schema.Value.WithoutAdditionalProperties()
		}
	}
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, response := range operation.Responses.Map() {
				for _, header := range response.Value.Headers {
					header.Value.Required = true
				}
			}
		}
	}
}
