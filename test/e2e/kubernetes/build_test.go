// Package kubernetes checks the manifests in deploy/kubernetes without a cluster: kustomize builds them, they are decoded into the API's
// types and validated against its schemas, and what they say of the service is compared with the service.
package kubernetes

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"hedgerow/test/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// object is a Kubernetes object as it goes to the API server.
type object map[string]any

func (o object) kind() string { return o["kind"].(string) }

func (o object) name() string { return o["metadata"].(map[string]any)["name"].(string) }

// into decodes an object without asking whether it fits.
func (o object) into(t *testing.T, value any) {
	t.Helper()
	text, err := json.Marshal(o)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, value))
}

// manifests is deploy/kubernetes.
func manifests() string { return filepath.Join(harness.Root(), "deploy", "kubernetes") }

// builds are the folders that can be applied.
func builds(t *testing.T) []string {
	t.Helper()
	overlays, err := filepath.Glob(filepath.Join(manifests(), "overlays", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, overlays)
	return append(overlays, filepath.Join(manifests(), "base"))
}

// build returns what `kubectl apply -k` would send.
func build(t *testing.T, folder string) []object {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	require.NoError(t, err)
	var objects []object
	for _, resource := range resources.Resources() {
		content, err := resource.Map()
		require.NoError(t, err)
		objects = append(objects, content)
	}
	return objects
}

// buildAll returns the objects of every folder.
func buildAll(t *testing.T) []object {
	t.Helper()
	var objects []object
	for _, folder := range builds(t) {
		objects = append(objects, build(t, folder)...)
	}
	return objects
}

// find returns the object of a kind, of which there is one.
func find(t *testing.T, objects []object, kind string) object {
	t.Helper()
	found := slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return o.kind() != kind })
	require.Len(t, found, 1, kind)
	return found[0]
}

func TestTheBaseHasWhatADeploymentNeedsAndTheOverlaysWhatTheyAdd(t *testing.T) {
	for folder, kinds := range map[string][]string{
		"base": {
			"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Secret", "Service",
		},
		"overlays/monitoring": {
			"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "NetworkPolicy", "PodDisruptionBudget", "PrometheusRule",
			"Secret", "Service", "Service", "ServiceMonitor",
		},
		"overlays/redis": {
			"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Secret", "Secret", "Service",
		},
	} {
		var built []string
		for _, o := range build(t, filepath.Join(manifests(), folder)) {
			built = append(built, o.kind())
		}
		assert.Equal(t, kinds, slices.Sorted(slices.Values(built)), folder)
	}
}

func TestAChangeOfTheFileOrOfASecretReachesThePods(t *testing.T) {
	before := copyOfManifests(t)
	for file, change := range map[string]string{"base/apis.yaml": "# changed", "base/secrets.env": "ANOTHER=placeholder"} {
		after := copyOfManifests(t)
		text, err := os.ReadFile(filepath.Join(after, file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(after, file), append(text, change...), 0o600))
		assert.NotEqual(t, template(t, before), template(t, after), file)
	}
	assert.Equal(t, template(t, before), template(t, copyOfManifests(t)), "what has not changed does not replace pods")
}

// inDocumentation is the kustomization.yaml that the documentation shows.
var inDocumentation = regexp.MustCompile("(?ms)^```yaml\n(apiVersion: kustomize.*?)^```$")

func TestTheOverlayOfTheDocumentationReplacesTheFileTheSecretAndTheImage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(harness.Root(), "OPERATIONS.md"))
	require.NoError(t, err)
	overlay := inDocumentation.FindSubmatch(page)
	require.NotNil(t, overlay)
	folder := copyOfManifests(t)
	for name, text := range map[string]string{
		"kustomization.yaml": string(overlay[1]), "apis.yaml": "apis: {}\n", "secrets.env": "KEY=mine\n", "redis.env": "url=redis://mine\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	objects, _, container := deployment(t, folder)
	assert.Equal(t, "registry.example.org/hedgerow:1.4.2", container.Image)
	assert.Equal(t, map[string]any{"apis.yaml": "apis: {}\n"}, find(t, objects, "ConfigMap")["data"])
	assert.Subset(t, environment(t, objects, container), []string{"KEY=mine", "HEDGEROW_REDIS_URL=redis://mine"})
	for _, o := range objects {
		assert.Equal(t, "hedgerow", o["metadata"].(map[string]any)["namespace"], o.kind())
	}
}

func copyOfManifests(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(manifests())))
	return folder
}

// template is that of the pods, whose every change replaces them.
func template(t *testing.T, folder string) any {
	t.Helper()
	return find(t, build(t, filepath.Join(folder, "base")), "Deployment")["spec"].(map[string]any)["template"]
}

func TestNoSecretIsReal(t *testing.T) {
	for _, o := range buildAll(t) {
		if o.kind() != "Secret" {
			continue
		}
		var secret struct{ Data map[string][]byte }
		o.into(t, &secret)
		require.NotEmpty(t, secret.Data)
		for key, value := range secret.Data {
			assert.Contains(t, string(value), "placeholder", key)
		}
	}
}
