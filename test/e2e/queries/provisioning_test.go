package queries

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// service is one of docker-compose.yml.
type service struct {
	Image       string            `yaml:"image"`
	Profiles    []string          `yaml:"profiles"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Environment map[string]string `yaml:"environment"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
}

func TestGrafanaFindsItsDashboardAndPrometheusWhereTheDeploymentPutsThem(t *testing.T) {
	var compose struct {
		Services map[string]service `yaml:"services"`
	}
	readYAML(t, filepath.Join(harness.Root(), "docker-compose.yml"), &compose)
	for _, name := range []string{"prometheus", "grafana"} {
		s := compose.Services[name]
		assert.Equal(t, []string{"observability"}, s.Profiles, name)
		assert.Regexp(t, `^\$\{[A-Z]+_IMAGE:-.+:v?\d+\.\d+\.\d+\}$`, s.Image, "pinned to a version")
		require.Len(t, s.Ports, 1, name)
		assert.True(t, strings.HasPrefix(s.Ports[0], "127.0.0.1:"), s.Ports[0])
		assert.True(t, s.ReadOnly, name)
		assert.Equal(t, []string{"ALL"}, s.CapDrop, name)
	}
	grafana := compose.Services["grafana"]
	assert.Contains(t, grafana.Volumes, "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro")
	dashboard := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	assert.Contains(t, grafana.Volumes, "./deploy/grafana/hedgerow.json:"+dashboard+":ro")

	var dashboards struct {
		Providers []struct {
			Type    string            `yaml:"type"`
			Options map[string]string `yaml:"options"`
		} `yaml:"providers"`
	}
	provisioning := filepath.Join(harness.Root(), "deploy", "grafana", "provisioning")
	readYAML(t, filepath.Join(provisioning, "dashboards", "hedgerow.yaml"), &dashboards)
	require.Len(t, dashboards.Providers, 1)
	assert.Equal(t, "file", dashboards.Providers[0].Type)
	assert.Equal(t, path.Dir(dashboard), dashboards.Providers[0].Options["path"])

	var sources struct {
		Datasources []struct {
			Type string `yaml:"type"`
			URL  string `yaml:"url"`
		} `yaml:"datasources"`
	}
	readYAML(t, filepath.Join(provisioning, "datasources", "prometheus.yaml"), &sources)
	require.Len(t, sources.Datasources, 1)
	assert.Equal(t, "prometheus", sources.Datasources[0].Type)
	assert.Equal(t, "http://prometheus:9090", sources.Datasources[0].URL)
	assert.True(t, strings.HasSuffix(compose.Services["prometheus"].Ports[0], ":9090"))
}
