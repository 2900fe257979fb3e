package kubernetes

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// oldest is the version of Kubernetes whose schemas the manifests have to fit. Their types are newer.
const oldest = "1.30"

// schemas are those of Kubernetes' API, by apiVersion and kind.
type schemas map[string]*jsonschema.Schema

// validate returns an error when an object is not what the schema of its kind says.
func (s schemas) validate(o object) error {
	schema, ok := s[id(o)]
	if !ok {
		return fmt.Errorf("there is no schema for %s", id(o))
	}
	return schema.Validate(map[string]any(o))
}

// openSchemas compiles the schemas of every kind of the groups that have these objects.
func openSchemas(t *testing.T, objects []object) schemas {
	t.Helper()
	folder, all, read := schemaFolder(t), schemas{}, map[string]bool{}
	for _, o := range objects {
		if version := o["apiVersion"].(string); !read[version] {
			read[version] = true
			all.read(t, folder, version)
		}
	}
	return all
}

// schemaFolder is where a module has the documents. Nothing of that module is compiled, only its files are read: it brings the whole of
// Kubernetes' client with it.
func schemaFolder(t *testing.T) string {
	t.Helper()
	command := exec.Command("go", "mod", "download", "-json", "sigs.k8s.io/kubectl-validate")
	command.Dir = "schemas"
	command.Stderr = os.Stderr
	output, err := command.Output()
	require.NoError(t, err)
	var module struct{ Dir string }
	require.NoError(t, json.Unmarshal(output, &module))
	return filepath.Join(module.Dir, "pkg", "openapiclient", "builtins", oldest)
}

// read adds the schemas of an apiVersion, from its OpenAPI document. A group that Kubernetes does not have adds none.
func (s schemas) read(t *testing.T, folder, version string) {
	t.Helper()
	path := filepath.Join(folder, "apis", version+".json")
	if filepath.Dir(version) == "." { // the core group
		path = filepath.Join(folder, "api", version+".json")
	}
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return
	}
	require.NoError(t, err)
	var document map[string]any
	require.NoError(t, json.Unmarshal(text, &document))
	definitions := document["components"].(map[string]any)["schemas"].(map[string]any)
	for _, definition := range definitions {
		strict(definition.(map[string]any))
	}
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource(version, document))
	for name, definition := range definitions {
		kinds, _ := definition.(map[string]any)["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 { // those with more are not objects, such as DeleteOptions
			continue
		}
		schema, err := compiler.Compile(version + "#/components/schemas/" + name)
		require.NoError(t, err, name)
		s[version+" "+kinds[0].(map[string]any)["kind"].(string)] = schema
	}
}

// strict has a definition with named fields refuse all others: the API server ignores or refuses them, as it is told.
func strict(definition map[string]any) {
	if _, ok := definition["properties"]; ok {
		definition["additionalProperties"] = false
	}
}

// id is an object's apiVersion and kind.
func id(o object) string { return fmt.Sprint(o["apiVersion"], " ", o["kind"]) }
