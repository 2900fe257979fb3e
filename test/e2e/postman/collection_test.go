package postman

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The folders of the collection.
var (
	everyDeployment = []string{"Every deployment"}
	inTrouble       = []string{"A service in trouble"}
	everything      = slices.Concat(everyDeployment, inTrouble)
)

// node is the collection, a folder or a request.
type node struct {
	Name  string
	Item  []node
	Event []struct {
		Script struct{ Exec []string }
	}
	Request *struct{ URL struct{ Path []string } }
}

// request is a request of the collection and how many tests there are for its answer.
type request struct {
	name, path string
	tests      int
}

// requests lists the requests in some folders of the collection. It reads the file itself, without the code that wrote it.
func requests(t *testing.T, folders []string) []request {
	t.Helper()
	data, err := os.ReadFile(api("hedgerow.postman_collection.json"))
	require.NoError(t, err)
	var collection node
	require.NoError(t, json.Unmarshal(data, &collection))
	var all []request
	for _, folder := range folders {
		i := slices.IndexFunc(collection.Item, func(n node) bool { return n.Name == folder })
		require.GreaterOrEqual(t, i, 0, "there is no folder %q", folder)
		all = append(all, collection.Item[i].requests(collection.tests())...)
	}
	return all
}

// requests lists the requests of a node that has inherited some tests.
func (n node) requests(inherited int) []request {
	tests := inherited + n.tests()
	if n.Request != nil {
		return []request{{n.Name, "/" + strings.Join(n.Request.URL.Path, "/"), tests}}
	}
	var all []request
	for _, item := range n.Item {
		all = append(all, item.requests(tests)...)
	}
	return all
}

// tests counts the tests in a node's own scripts. None stands in a loop, so each runs once for each request.
func (n node) tests() int {
	tests := 0
	for _, event := range n.Event {
		tests += strings.Count(strings.Join(event.Script.Exec, "\n"), "pm.test(")
	}
	return tests
}

func TestEveryDocumentedAnswerHasARequest(t *testing.T) {
	data, err := os.ReadFile(api("openapi.json"))
	require.NoError(t, err)
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(data, &document))
	has := map[string]bool{}
	for _, r := range requests(t, everything) {
		status, _, _ := strings.Cut(r.name, " ")
		has[r.path+" "+strings.TrimSuffix(status, ":")] = true
	}
	require.NotEmpty(t, document.Paths)
	for path, methods := range document.Paths {
		if path == "/proxy/{api}/{path}" {
			continue // any answer of any API; those that Postman can bring about stand in its folder
		}
		for _, text := range methods {
			var operation struct{ Responses map[string]any }
			require.NoError(t, json.Unmarshal(text, &operation))
			for status := range operation.Responses {
				assert.True(t, has[path+" "+status], "%s %s", path, status)
			}
		}
	}
}

func TestTheEnvironmentsHaveTheVariablesOfADeployment(t *testing.T) {
	for _, name := range []string{"local", "compose"} {
		data, err := os.ReadFile(api(name + ".postman_environment.json"))
		require.NoError(t, err)
		var environment struct {
			Values []struct{ Key, Value string }
		}
		require.NoError(t, json.Unmarshal(data, &environment))
		values := map[string]string{}
		for _, v := range environment.Values {
			values[v.Key] = v.Value
		}
		assert.Equal(t, map[string]string{"baseUrl": "http://localhost:5000", "timeout": "3000"}, values, name)
	}
}
