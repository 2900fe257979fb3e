package kubernetes

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"hedgerow/test/e2e/harness"
)

// The Prometheus Operator's objects, as far as they are used here. Its own module brings more with it than all the rest of this test.
type (
	serviceMonitor struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            struct {
			JobLabel  string               `json:"jobLabel"`
			Selector  metav1.LabelSelector `json:"selector"`
			Endpoints []struct {
				Port     string `json:"port"`
				Path     string `json:"path"`
				Interval string `json:"interval"`
			} `json:"endpoints"`
		} `json:"spec"`
	}
	prometheusRule struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            struct {
			Groups []struct {
				Name  string `json:"name"`
				Rules []struct {
					Alert       string            `json:"alert"`
					Expr        string            `json:"expr"`
					For         string            `json:"for"`
					Labels      map[string]string `json:"labels"`
					Annotations map[string]string `json:"annotations"`
				} `json:"rules"`
			} `json:"groups"`
		} `json:"spec"`
	}
)

func TestTheAlertsAreThoseOfTheDeployment(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness.Root(), "deploy", "prometheus", "rules.yaml"))
	require.NoError(t, err)
	var rules any
	require.NoError(t, yaml.Unmarshal(text, &rules))
	assert.Equal(t, rules, find(t, build(t, filepath.Join(manifests(), "overlays", "monitoring")), "PrometheusRule")["spec"])
}
