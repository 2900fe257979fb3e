package kubernetes

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/metricstest"
)

// deployment returns what a folder builds, its Deployment, and the pods' only container.
func deployment(t *testing.T, folder string) ([]object, appsv1.Deployment, corev1.Container) {
	t.Helper()
	objects := build(t, folder)
	var d appsv1.Deployment
	find(t, objects, "Deployment").into(t, &d)
	require.Len(t, d.Spec.Template.Spec.Containers, 1)
	return objects, d, d.Spec.Template.Spec.Containers[0]
}

func TestEveryVariableOfTheManifestsIsASetting(t *testing.T) {
	help, err := exec.Command(harness.Binary(t), "serve", "--help").Output()
	require.NoError(t, err)
	for _, folder := range builds(t) {
		_, _, container := deployment(t, folder)
		for _, variable := range container.Env {
			if variable.Name != "GOMEMLIMIT" { // Go's
				assert.Regexp(t, `\$`+variable.Name+`\b`, string(help))
			}
		}
	}
}

func TestTheFileOfAPIsPassesTheCheck(t *testing.T) {
	objects, _, container := deployment(t, filepath.Join(manifests(), "base"))
	file := fileOfAPIs(t, objects, container)
	command := exec.Command(harness.Binary(t), "check", file)
	command.Env = environment(t, objects, container)
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.NotContains(t, string(output), "placeholder", "the secret is used, and not shown")

	command = exec.Command(harness.Binary(t), "check", file)
	command.Env = []string{}
	require.Error(t, command.Run(), "without the Secret it does not start")
}

// fileOfAPIs writes the file that a container finds in its ConfigMap.
func fileOfAPIs(t *testing.T, objects []object, container corev1.Container) string {
	t.Helper()
	var config corev1.ConfigMap
	find(t, objects, "ConfigMap").into(t, &config)
	mounted := value(container, "HEDGEROW_CONFIG")
	require.Equal(t, container.VolumeMounts[0].MountPath, filepath.Dir(mounted))
	require.Contains(t, config.Data, filepath.Base(mounted))
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config.Data[filepath.Base(mounted)]), 0o600))
	return file
}

// value is that of a variable of a container.
func value(container corev1.Container, name string) string {
	for _, variable := range container.Env {
		if variable.Name == name {
			return variable.Value
		}
	}
	return ""
}

// environment is a container's, as NAME=value: what it says itself and what it gets from Secrets.
func environment(t *testing.T, objects []object, container corev1.Container) (variables []string) {
	t.Helper()
	secrets := map[string]corev1.Secret{}
	for _, o := range objects {
		if o.kind() == "Secret" {
			var secret corev1.Secret
			o.into(t, &secret)
			secrets[o.name()] = secret
		}
	}
	for _, source := range container.EnvFrom {
		require.Contains(t, secrets, source.SecretRef.Name)
		for name, content := range secrets[source.SecretRef.Name].Data {
			variables = append(variables, name+"="+string(content))
		}
	}
	for _, variable := range container.Env {
		text := variable.Value
		switch from := variable.ValueFrom; {
		case from != nil && from.SecretKeyRef != nil:
			require.Contains(t, secrets[from.SecretKeyRef.Name].Data, from.SecretKeyRef.Key)
			text = string(secrets[from.SecretKeyRef.Name].Data[from.SecretKeyRef.Key])
		case from != nil:
			require.Equal(t, "requests.memory", from.ResourceFieldRef.Resource)
			text = strconv.FormatInt(container.Resources.Requests.Memory().Value(), 10)
		}
		variables = append(variables, variable.Name+"="+text)
	}
	return variables
}

func TestTheServiceStartsWithTheManifestsSettingsAndAnswersTheProbes(t *testing.T) {
	for _, folder := range builds(t) {
		objects, _, container := deployment(t, folder)
		h := harness.Start(t, append(environment(t, objects, container), "HEDGEROW_ADDR=127.0.0.1:0", "HEDGEROW_ADMIN_ADDR=127.0.0.1:0",
			"HEDGEROW_CONFIG="+fileOfAPIs(t, objects, container))...) // the last of a name holds
		for _, probe := range []*corev1.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
			assert.Equal(t, "admin", probe.HTTPGet.Port.StrVal)
			response, err := http.Get("http://" + h.AdminAddr + probe.HTTPGet.Path)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, http.StatusOK, response.StatusCode, probe.HTTPGet.Path)
		}
		assert.Equal(t, "/livez", container.LivenessProbe.HTTPGet.Path, "a pod that ends in order is not killed")
		assert.Zero(t, metricstest.Get(t, h.AdminAddr).Sum("hedgerow_proxy_calls_total", "api", "rates"))
	}
}

func TestThePortsAreTheServicesAndCallersReachTheAPIAlone(t *testing.T) {
	objects, _, container := deployment(t, filepath.Join(manifests(), "base"))
	help, err := exec.Command(harness.Binary(t), "serve", "--help").Output()
	require.NoError(t, err)
	ports := map[string]int32{}
	for _, port := range container.Ports {
		ports[port.Name] = port.ContainerPort
	}
	assert.Contains(t, string(help), "--addr=:5000 ", "the default is the port api")
	assert.Equal(t, map[string]int32{"api": 5000, "admin": 5001}, ports)
	assert.Equal(t, ":5001", value(container, "HEDGEROW_ADMIN_ADDR"))

	var service corev1.Service
	find(t, objects, "Service").into(t, &service)
	require.Len(t, service.Spec.Ports, 1)
	assert.Equal(t, "api", service.Spec.Ports[0].TargetPort.StrVal)
}

func TestAPodThatIsToldToStopHasTimeForItsCalls(t *testing.T) {
	_, d, container := deployment(t, filepath.Join(manifests(), "base"))
	delay, err := time.ParseDuration(value(container, "HEDGEROW_SHUTDOWN_DELAY"))
	require.NoError(t, err)
	const calls = 62 * time.Second // HEDGEROW_SHUTDOWN_TIMEOUT by default
	assert.Greater(t, time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds)*time.Second, delay+calls)
	probe := container.ReadinessProbe
	assert.Greater(t, delay, time.Duration(probe.PeriodSeconds*probe.FailureThreshold+probe.TimeoutSeconds)*time.Second)
	assert.Nil(t, container.Lifecycle)
	assert.Zero(t, d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue())
}

func TestThePodIsConfinedAndGoKnowsItsMemory(t *testing.T) {
	objects, d, container := deployment(t, filepath.Join(manifests(), "base"))
	pod, c := d.Spec.Template.Spec.SecurityContext, container.SecurityContext
	assert.True(t, *pod.RunAsNonRoot)
	assert.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SeccompProfile.Type)
	assert.False(t, *c.AllowPrivilegeEscalation)
	assert.True(t, *c.ReadOnlyRootFilesystem)
	assert.Equal(t, []corev1.Capability{"ALL"}, c.Capabilities.Drop)
	assert.False(t, *d.Spec.Template.Spec.AutomountServiceAccountToken)
	dockerfile, err := os.ReadFile(filepath.Join(harness.Root(), "Dockerfile"))
	require.NoError(t, err)
	user := regexp.MustCompile(`(?m)^USER (\d+):`).FindSubmatch(dockerfile)
	require.NotNil(t, user)
	assert.Equal(t, string(user[1]), strconv.FormatInt(*pod.RunAsUser, 10))

	assert.Contains(t, environment(t, objects, container), "GOMEMLIMIT="+strconv.FormatInt(container.Resources.Requests.Memory().Value(), 10))
	share := container.Resources.Requests.Memory().AsApproximateFloat64() / container.Resources.Limits.Memory().AsApproximateFloat64()
	assert.InDelta(t, 0.9, share, 0.03, "of the limit")
	assert.NotContains(t, container.Resources.Limits, corev1.ResourceCPU)
}
