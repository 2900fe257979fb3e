// Command collection writes the Postman collection. Its requests are listed in requests.go, and its scripts are in scripts/. What
// they know about the answers comes from the API's document, so the two cannot differ:
//
//	cd test/e2e && go run ./postman/collection ../../api/openapi.json ../../api/hedgerow.postman_collection.json
//
// The same document gives the same bytes.
package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

//go:embed scripts
var scripts embed.FS

//go:embed description.md
var description string

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns the exit code.
func run(args []string, stderr io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: collection OPENAPI-FILE COLLECTION-FILE")
		return 2
	}
	data, err := generate(args[0])
	if err == nil {
		err = os.WriteFile(args[1], data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(stderr, "collection:", err)
		return 1
	}
	return 0
}

// generate returns the collection for the API that the given OpenAPI 3 file describes.
func generate(openapi string) ([]byte, error) {
	schemas, answers, err := readSchemas(openapi)
	if err != nil {
		return nil, err
	}
	c := collection{
		Info: info{
			Name:        "Hedgerow",
			Description: description,
			Schema:      "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
		},
		Item:  []item{everyDeployment(), inTrouble()},
		Event: after(script("every_answer", "__SCHEMAS__", schemas, "__ANSWERS__", answers)),
		Variable: []pair{
			{Key: "baseUrl", Value: "http://localhost:5000"},
			{Key: "timeout", Value: "3000", Description: "Milliseconds that calls ask for when they should succeed"},
			{Key: "margin", Value: "1000", Description: "Milliseconds that an answer may need on top, for the network and Postman"},
			{Key: "failingUrl", Value: ""},
			{Key: "overloadedUrl", Value: ""},
			{Key: "stoppingUrl", Value: ""},
		},
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // scripts are full of < and >
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(c); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// script returns a script's lines, each old string in it (old, new, old, new) replaced.
func script(name string, replacements ...string) []string {
	source, err := scripts.ReadFile("scripts/" + name + ".js")
	if err != nil {
		panic(err) // the names stand in this program
	}
	return lines(strings.NewReplacer(replacements...).Replace(string(source)))
}

func lines(script string) []string { return strings.Split(strings.TrimSuffix(script, "\n"), "\n") }
