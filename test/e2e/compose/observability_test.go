package compose

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPrometheusScrapesEveryReplicaAndKnowsTheAlerts(t *testing.T) {
	withEachCompose(t, func(t *testing.T, p *project) {
		p.run(t, "--profile=observability", "up", "--detach", "--no-build", "--scale=api=3", "api", "prometheus")
		prometheus := p.containers(t, "prometheus")[0]
		assertConfined(t, prometheus, 65534)
		ports := prometheus.NetworkSettings.Ports["9090/tcp"]
		require.Len(t, ports, 1)
		assert.Equal(t, "127.0.0.1", ports[0].HostIP)

		server := "http://127.0.0.1:" + ports[0].HostPort
		eventually(t, time.Minute, "Prometheus has metrics of three replicas", func() bool {
			result := ask(server, `count(up{job="hedgerow"} == 1 and on (instance) hedgerow_build_info)`)
			return len(result) == 1 && result[0].Value[1] == "3"
		})
		p.run(t, "stop", "api")
		eventually(t, time.Minute, "the rules are loaded: there is an alert when no replica answers", func() bool {
			return len(ask(server, `ALERTS{alertname="HedgerowDown"}`)) > 0
		})
	})
}

// sample is what Prometheus answers: a time and a value.
type sample struct{ Value [2]any }

// ask evaluates a query. The result is empty while Prometheus has none.
func ask(server, query string) []sample {
	response, err := http.Get(server + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ Data struct{ Result []sample } }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil
	}
	return answer.Data.Result
}
