// Command openapi3 converts the document that swag generates (OpenAPI 2) to OpenAPI 3, which is what most tools read and what the
// tests check answers against:
//
//	go run ./openapi3 ../docs/swagger.json ../api/openapi.json
//
// The same document in gives the same bytes out.
package main

import (
	"bytes"
	"context"
	_ "embed" // proxy.json
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns the exit code.
func run(args []string, stderr io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: openapi3 SWAGGER-2-FILE OPENAPI-3-FILE")
		return 2
	}
	if err := convertFile(args[0], args[1]); err != nil {
		fmt.Fprintln(stderr, "openapi3:", err)
		return 1
	}
	return 0
}

func convertFile(from, to string) error {
	swagger, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	document, err := convert(swagger)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return os.WriteFile(to, document, 0o644)
}

// convert returns an OpenAPI 3 document that is valid and says the same as the given one of OpenAPI 2, except that each answer has
// the one media type it really comes in.
func convert(swagger []byte) ([]byte, error) {
	var doc2 openapi2.T
	if err := json.Unmarshal(swagger, &doc2); err != nil {
		return nil, err
	}
	doc3, err := openapi2conv.ToV3(&doc2)
	if err != nil {
		return nil, err
	}
	// The API is where the document is: at whatever host and port that is.
	doc3.Servers = openapi3.Servers{{URL: "/"}}
	if err := errors.Join(separateMediaTypes(doc3), giveExamples(doc3)); err != nil {
		return nil, err
	}
	if err := addProxy(doc3); err != nil {
		return nil, err
	}
	if err := doc3.Validate(context.Background()); err != nil {
		return nil, err
	}
	compact, err := doc3.MarshalJSON() // its members are in alphabetical order
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// proxy describes the APIs of the file. It is not in swag's document, because the console shows that one, and lists the APIs that
// there are instead.
//
//go:embed proxy.json
var proxy []byte

// addProxy adds the path of the file's APIs, which the file names only when the service runs.
func addProxy(doc *openapi3.T) error {
	var part struct {
		Tag  *openapi3.Tag     `json:"tag"`
		Path string            `json:"path"`
		Item openapi3.PathItem `json:"item"`
	}
	if err := json.Unmarshal(proxy, &part); err != nil {
		return err
	}
	if _, ok := doc.Components.Schemas["TimedOut"]; !ok {
		return nil // not Hedgerow's document
	}
	doc.Tags = append(doc.Tags, part.Tag)
	doc.Paths.Set(part.Path, &part.Item)
	text, err := doc.MarshalJSON()
	if err != nil {
		return err
	}
	whole, err := openapi3.NewLoader().LoadFromData(text) // which finds the schemas that are referred to
	if err != nil {
		return err
	}
	*doc = *whole
	return nil
}

// separateMediaTypes leaves each answer one media type. In OpenAPI 2 an operation has one list of them for all its answers, so that
// a success seems to come as a problem and an error as plain JSON.
func separateMediaTypes(doc *openapi3.T) error {
	var errs []error
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				if err := keepOneMediaType(status, response.Value); err != nil {
					errs = append(errs, fmt.Errorf("%s %s, %s: %w", method, path, status, err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// keepOneMediaType leaves an error its problem and any other answer its JSON. An answer without a body stays without.
func keepOneMediaType(status string, response *openapi3.Response) error {
	code, err := strconv.Atoi(status)
	if err != nil {
		return errors.New("this is not a status")
	}
	if len(response.Content) == 0 {
		return nil
	}
	mediaType := "application/json"
	if code >= 400 {
		mediaType = "application/problem+json"
	}
	content, ok := response.Content[mediaType]
	if !ok {
		return fmt.Errorf("the operation does not produce %s", mediaType)
	}
	response.Content = openapi3.Content{mediaType: content}
	return nil
}

// giveExamples makes examples of the parameters' x-example. OpenAPI 2 has no other place for them, and swag writes a string.
func giveExamples(doc *openapi3.T) error {
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for _, parameter := range operation.Parameters {
				text, ok := parameter.Value.Extensions["x-example"].(string)
				if !ok {
					continue
				}
				var example any
				if err := json.Unmarshal([]byte(text), &example); err != nil {
					return fmt.Errorf("%s %s, x-example of %s: %w", method, path, parameter.Value.Name, err)
				}
				parameter.Value.Example = example
				delete(parameter.Value.Extensions, "x-example")
			}
		}
	}
	return nil
}
