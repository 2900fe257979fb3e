// Command licences checks the licences in a bill of materials, as `make sbom` writes it.
//
//	cd test/e2e && go run ./licences ../../bin/sbom.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// allowed are the licences that only ask to be named, by their SPDX identifiers.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// readings correct what the detector makes of texts that somebody has read. When a module changes its licence, the detector finds
// something else, and the reading no longer applies.
var readings = []struct{ module, found, licence string }{
	{"golang.org/x/", "BSD-Source-Code", "BSD-3-Clause"}, // the Go project's text, which names Google
	{"std", "", "BSD-3-Clause"},                          // the same text, in the Go distribution
}

// bill is the part of a CycloneDX document that matters here.
type bill struct {
	Components []component `json:"components"`
}

type component struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Evidence struct {
		Licenses []struct {
			License struct {
				ID string `json:"id"`
			} `json:"license"`
		} `json:"licenses"`
	} `json:"evidence"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: licences SBOM.json")
		os.Exit(2)
	}
	document, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines, problems := check(document)
	fmt.Println(strings.Join(lines, "\n"))
	if len(problems) > 0 {
		fmt.Fprintln(os.Stderr, strings.Join(problems, "\n"))
		os.Exit(1)
	}
}

// check returns a line for each module, and the problems.
func check(document []byte) (lines, problems []string) {
	var b bill
	if err := json.Unmarshal(document, &b); err != nil {
		return nil, []string{"no bill of materials: " + err.Error()}
	}
	if len(b.Components) == 0 {
		return nil, []string{"a bill of materials without a module"}
	}
	for _, c := range b.Components {
		licences := c.licences()
		lines = append(lines, fmt.Sprintf("%-50s %-14s %s", c.Name, strings.Join(licences, ", "), c.Version))
		if len(licences) == 0 {
			problems = append(problems, c.Name+" "+c.Version+": no licence known")
		}
		for _, licence := range licences {
			if !slices.Contains(allowed, licence) {
				problems = append(problems, fmt.Sprintf("%s %s: the licence %q is not allowed", c.Name, c.Version, licence))
			}
		}
	}
	return lines, problems
}

func (c component) licences() []string {
	var found []string
	for _, l := range c.Evidence.Licenses {
		found = append(found, l.License.ID)
	}
	for _, r := range readings {
		if (c.Name == r.module || strings.HasSuffix(r.module, "/") && strings.HasPrefix(c.Name, r.module)) && strings.Join(found, ",") == r.found {
			return []string{r.licence}
		}
	}
	return found
}
