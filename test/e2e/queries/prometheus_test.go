package queries

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"hedgerow/test/e2e/harness"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// prometheus is a running Prometheus.
type prometheus struct{ url string }

// startPrometheus runs Prometheus with the deployment's own configuration until the test ends. It scrapes the service at an admin
// address, and does so often.
func startPrometheus(t *testing.T, admin string) *prometheus {
	t.Helper()
	folder := t.TempDir()
	config := filepath.Join(folder, "prometheus.yaml")
	require.NoError(t, os.WriteFile(config, configuration(t, admin), 0o600))
	log, err := os.Create(filepath.Join(folder, "log"))
	require.NoError(t, err)
	command := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(folder, "data"),
		"--web.listen-address=127.0.0.1:0")
	command.Stderr = log
	require.NoError(t, command.Start(), "Debian: apt-get install prometheus")
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = log.Close()
	})
	p := &prometheus{}
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(log.Name())
		if match := listening.FindSubmatch(text); match != nil {
			p.url = "http://" + string(match[1])
		}
		return p.url != ""
	}, patience, 50*time.Millisecond, "Prometheus does not listen")
	return p
}

// listening is the line of Prometheus' log with the port that it was given.
var listening = regexp.MustCompile(`msg="Listening on" address=(127\.0\.0\.1:\d+)`)

// configuration is deploy/prometheus/prometheus.yaml with another target.
func configuration(t *testing.T, admin string) []byte {
	t.Helper()
	text, err := os.ReadFile(deployed("prometheus.yaml"))
	require.NoError(t, err)
	var c map[string]any
	require.NoError(t, yaml.Unmarshal(text, &c))
	c["global"] = map[string]any{"scrape_interval": "200ms", "evaluation_interval": "200ms", "scrape_timeout": "200ms"}
	c["rule_files"] = []string{deployed("rules.yaml")}
	job := c["scrape_configs"].([]any)[0].(map[string]any)
	require.Contains(t, job, "dns_sd_configs")
	delete(job, "dns_sd_configs")
	job["static_configs"] = []any{map[string]any{"targets": []string{admin}}}
	text, err = yaml.Marshal(c)
	require.NoError(t, err)
	return text
}

// deployed is a file in deploy/prometheus.
func deployed(name string) string { return filepath.Join(harness.Root(), "deploy", "prometheus", name) }

// query evaluates a query now.
func (p *prometheus) query(query string) (model.Vector, error) {
	response, err := http.PostForm(p.url+"/api/v1/query", url.Values{"query": {query}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error string
		Data  struct{ Result model.Vector }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Data.Result, nil
}

// finite is query for a result that has to be there, and has to be numbers.
func (p *prometheus) finite(query string) (model.Vector, error) {
	result, err := p.query(query)
	if err != nil {
		return nil, err
	}
	if len(result) == 0 {
		return nil, errors.New("no result")
	}
	for _, sample := range result {
		if value := float64(sample.Value); math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("%v is %v", sample.Metric, value)
		}
	}
	return result, nil
}

func requireFinite(t *testing.T, p *prometheus, query string) model.Vector {
	t.Helper()
	result, err := p.finite(query)
	require.NoError(t, err, query)
	return result
}

// requireScrape waits for a scrape that began after a point in time.
func requireScrape(t *testing.T, p *prometheus, after time.Time) {
	t.Helper()
	query := fmt.Sprintf(`up{job="hedgerow"} == 1 and timestamp(up) > %f`, float64(after.UnixMilli())/1000)
	require.Eventually(t, func() bool {
		result, err := p.query(query)
		return err == nil && len(result) == 1
	}, patience, 50*time.Millisecond, "Prometheus does not scrape the service")
}
