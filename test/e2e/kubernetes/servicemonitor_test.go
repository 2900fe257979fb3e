package kubernetes

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// serviceMonitor are the fields of the Prometheus Operator's ServiceMonitor that are used here. Its own module brings more with it than
// all the rest of this test.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec struct {
		JobLabel  string               `json:"jobLabel"`
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Path     string `json:"path"`
			Interval string `json:"interval"`
		} `json:"endpoints"`
	} `json:"spec"`
}
