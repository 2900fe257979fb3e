package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// readSchemas returns two JavaScript objects from an OpenAPI 3 file: its schemas by name, and the schema of each answer by
// "METHOD /path" and status. Members that the document does not have are forbidden, as in the tests in Go.
func readSchemas(file string) (schemas, answers string, err error) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return "", "", err
	}
	for _, schema := range doc.Components.Schemas {
		bare(schema.Value)
		if schema.Value.Type.Is("object") {
			schema.Value.WithoutAdditionalProperties()
		}
	}
	documented := map[string]map[string]*openapi3.SchemaRef{}
	for path, item := range doc.Paths.Map() {
		if strings.HasPrefix(path, "/proxy/") {
			continue // its answers are the API's: see below
		}
		for method, operation := range item.Operations() {
			statuses := map[string]*openapi3.SchemaRef{}
			for status, response := range operation.Responses.Map() {
				if len(response.Value.Content) != 1 {
					return "", "", fmt.Errorf("%s %s, %s: want one media type, not %d", method, path, status, len(response.Value.Content))
				}
				for _, content := range response.Value.Content {
					statuses[status] = content.Schema
				}
			}
			documented[method+" "+path] = statuses
		}
	}
	// The problem of status 400 has the members that every problem has, and no others.
	problem := documented["GET /api/first"]["400"]
	documented["elsewhere"] = map[string]*openapi3.SchemaRef{"204": openapi3.NewSchema().NewRef(), "404": problem, "405": problem}
	documented["proxy"] = map[string]*openapi3.SchemaRef{
		"200": openapi3.NewOneOfSchema(doc.Components.Schemas["Answer"].Value, arrayOf(doc.Components.Schemas["Answer"])).NewRef(),
		"204": openapi3.NewSchema().NewRef(), "400": problem, "404": problem, "405": problem,
		"500": openapi3.NewSchema().NewRef(), // the testing server's own
		"504": documented["GET /api/first"]["504"],
	}

	schemas, err = oneEach(doc.Components.Schemas)
	if err != nil {
		return "", "", err
	}
	answers, err = oneEach(documented)
	return schemas, answers, err
}

// arrayOf is the array that the strategies all and within-timeout make of an API's answers, all of them JSON.
func arrayOf(body *openapi3.SchemaRef) *openapi3.Schema {
	return openapi3.NewArraySchema().WithItems(openapi3.NewObjectSchema().WithoutAdditionalProperties().
		WithProperty("attempt", openapi3.NewIntegerSchema().WithMin(1)).
		WithProperty("status", openapi3.NewIntegerSchema()).
		WithProperty("type", openapi3.NewStringSchema()).
		WithPropertyRef("body", body).
		WithRequired([]string{"attempt", "status", "type", "body"}))
}

// oneEach is the JSON of a map, each member on a line of its own.
func oneEach[V any](members map[string]V) (string, error) {
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value, err := json.Marshal(members[name])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "    %q: %s,\n", name, value)
	}
	b.WriteString("}")
	return b.String(), nil
}

// bare removes what is only for readers from a schema and from the schemas of its members.
func bare(s *openapi3.Schema) {
	s.Description, s.Example = "", nil
	for _, member := range s.Properties {
		bare(member.Value)
	}
}
