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
type prometheus struct {
	url string
	at  model.SampleValue // when queries are evaluated: at a scrape that has succeeded, in seconds since 1970. 0: now
}

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
	c["global"] = map[string]any{"scrape_interval": "500ms", "evaluation_interval": "500ms", "scrape_timeout": "500ms"}
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

// query evaluates a query.
func (p *prometheus) query(query string) (model.Vector, error) {
	form := url.Values{"query": {query}}
	if p.at > 0 {
		form.Set("time", p.at.String())
	}
	response, err := http.PostForm(p.url+"/api/v1/query", form)
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

// requireScrape waits for a scrape that began after a point in time, and has queries evaluated at that scrape: a later one may fail on a
// busy machine, and take its series away.
func requireScrape(t *testing.T, p *prometheus, after time.Time) {
	t.Helper()
	now := &prometheus{url: p.url}
	query := fmt.Sprintf(`timestamp(up{job="hedgerow"}) > %f and up{job="hedgerow"} == 1`, float64(after.UnixMilli())/1000)
	require.Eventually(t, func() bool {
		result, err := now.query(query)
		if err != nil || len(result) != 1 {
			return false
		}
		p.at = result[0].Value
		return true
	}, patience, 50*time.Millisecond, "Prometheus does not scrape the service")
}
