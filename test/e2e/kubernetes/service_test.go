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
	file, secrets := configuration(t)
	command := exec.Command(harness.Binary(t), "check", file)
	command.Env = secrets
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.NotContains(t, string(output), "placeholder", "the secret is used, and not shown")

	command = exec.Command(harness.Binary(t), "check", file)
	command.Env = []string{}
	require.Error(t, command.Run(), "without the Secret it does not start")
}

// configuration writes the file of the ConfigMap, and returns its path and the variables of the Secret.
func configuration(t *testing.T) (file string, secrets []string) {
	t.Helper()
	objects, _, container := deployment(t, filepath.Join(manifests(), "base"))
	var config corev1.ConfigMap
	find(t, objects, "ConfigMap").into(t, &config)
	mounted := value(container, "HEDGEROW_CONFIG")
	require.Equal(t, container.VolumeMounts[0].MountPath, filepath.Dir(mounted))
	require.Contains(t, config.Data, filepath.Base(mounted))
	file = filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config.Data[filepath.Base(mounted)]), 0o600))
	var secret corev1.Secret
	find(t, objects, "Secret").into(t, &secret)
	for name, content := range secret.Data {
		secrets = append(secrets, name+"="+string(content))
	}
	return file, secrets
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

func TestTheServiceStartsWithTheManifestsSettingsAndAnswersTheProbes(t *testing.T) {
	file, environment := configuration(t)
	objects, _, container := deployment(t, filepath.Join(manifests(), "base"))
	for _, variable := range container.Env {
		if variable.Value != "" && variable.Name != "HEDGEROW_CONFIG" && variable.Name != "HEDGEROW_ADMIN_ADDR" {
			environment = append(environment, variable.Name+"="+variable.Value)
		}
	}
	h := harness.Start(t, append(environment, "HEDGEROW_CONFIG="+file, "GOMEMLIMIT=964689920")...)
	for _, probe := range []*corev1.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
		assert.Equal(t, "admin", probe.HTTPGet.Port.StrVal)
		response, err := http.Get("http://" + h.AdminAddr + probe.HTTPGet.Path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusOK, response.StatusCode, probe.HTTPGet.Path)
	}
	assert.Equal(t, "/livez", container.LivenessProbe.HTTPGet.Path, "a pod that ends in order is not killed")
	assert.InDelta(t, 0, metricstest.Get(t, h.AdminAddr).Sum("hedgerow_proxy_calls_total", "api", "rates"), 0)

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
	assert.Equal(t, "api", service.Spec.Ports[0].TargetPort.StrVal, "the admin address is not there for callers")
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
	_, d, container := deployment(t, filepath.Join(manifests(), "base"))
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

	of := corev1.EnvVar{}
	for _, variable := range container.Env {
		if variable.Name == "GOMEMLIMIT" {
			of = variable
		}
	}
	require.NotNil(t, of.ValueFrom)
	assert.Equal(t, "requests.memory", of.ValueFrom.ResourceFieldRef.Resource)
	share := container.Resources.Requests.Memory().AsApproximateFloat64() / container.Resources.Limits.Memory().AsApproximateFloat64()
	assert.InDelta(t, 0.9, share, 0.03, "of the limit")
	assert.NotContains(t, container.Resources.Limits, corev1.ResourceCPU)
}
