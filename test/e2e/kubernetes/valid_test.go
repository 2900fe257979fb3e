package kubernetes

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// decode reads an object into its type. It returns an error for a field that the type does not have, or of another type.
func decode(o object) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	into, ok := map[string]any{
		"v1 ConfigMap":                            &corev1.ConfigMap{},
		"v1 Secret":                               &corev1.Secret{},
		"v1 Service":                              &corev1.Service{},
		"apps/v1 Deployment":                      &appsv1.Deployment{},
		"autoscaling/v2 HorizontalPodAutoscaler":  &autoscalingv2.HorizontalPodAutoscaler{},
		"networking.k8s.io/v1 NetworkPolicy":      &networkingv1.NetworkPolicy{},
		"policy/v1 PodDisruptionBudget":           &policyv1.PodDisruptionBudget{},
		"monitoring.coreos.com/v1 ServiceMonitor": &serviceMonitor{},
		"monitoring.coreos.com/v1 PrometheusRule": &prometheusRule{},
	}[id(o)]
	if !ok {
		return fmt.Errorf("there is no type for %s", id(o))
	}
	return yaml.UnmarshalStrict(text, into)
}

func TestEveryObjectFitsItsTypeAndItsSchema(t *testing.T) {
	objects := buildAll(t)
	schemas := openSchemas(t, objects)
	for _, o := range objects {
		require.NoError(t, decode(o), "%s %s", o.kind(), o.name())
		if !ofOperator(o) {
			require.NoError(t, schemas.validate(o), "%s %s", o.kind(), o.name())
		}
	}
}

// ofOperator tells whether an object is the Prometheus Operator's: these have no schema in Kubernetes.
func ofOperator(o object) bool { return o["apiVersion"] == "monitoring.coreos.com/v1" }

func TestAMistakeAnywhereInAnObjectIsNoticed(t *testing.T) {
	objects := buildAll(t)
	schemas, mistakes := openSchemas(t, objects), 0
	for _, o := range objects {
		hasSchema := !ofOperator(o)
		mistake(map[string]any(o), o.kind(), false, func(what string) {
			mistakes++
			require.Error(t, decode(o), what)
			if hasSchema {
				require.Error(t, schemas.validate(o), what)
			}
		})
	}
	t.Logf("%d mistakes", mistakes)
	require.Greater(t, mistakes, 300)
}

// free are the fields whose keys the user chooses.
var free = map[string]bool{
	"labels": true, "annotations": true, "matchLabels": true, "selector": true, "data": true, "requests": true, "limits": true,
}

// mistake makes every mistake below a value, one at a time, and calls check at each: a field that is not known, and a value of another
// type. chosen: the value's keys are the user's.
func mistake(value any, path string, chosen bool, check func(what string)) {
	switch value := value.(type) {
	case map[string]any:
		if !chosen {
			value["unknown"] = "field"
			check(path + " has an unknown field")
			delete(value, "unknown")
		}
		for key, before := range value {
			at := path + "." + key
			if _, fields := before.(map[string]any); !fields {
				value[key] = map[string]any{"wrong": "type"}
				check(at + " has a wrong type")
				value[key] = before
			}
			mistake(before, at, free[key] && !has(before, "matchLabels"), check)
		}
	case []any:
		for i, element := range value {
			mistake(element, fmt.Sprintf("%s[%d]", path, i), false, check)
		}
	}
}

func has(value any, key string) bool {
	m, _ := value.(map[string]any)
	_, ok := m[key]
	return ok
}
