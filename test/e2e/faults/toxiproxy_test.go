package faults

import (
	"net/http"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
)

// startBehindToxicNetwork runs a service in front of a healthy API whose answers come by a network with a toxic in it.
func startBehindToxicNetwork(t *testing.T, toxic string) *harness.Hedgerow {
	t.Helper()
	upstream := faultserver.New(t, faultserver.JSON(`{"time":1,"x":"`+strings.Repeat("x", 1000)+`"}`))
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	addr := strings.TrimSuffix(strings.TrimPrefix(upstream.URL, "http://"), "/api/work")
	proxy := toxiproxy.NewProxy(server, "upstream", "127.0.0.1:0", addr)
	require.NoError(t, proxy.Start())
	t.Cleanup(proxy.Stop)
	_, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
	require.NoError(t, err)
	return harness.Start(t, "EXPONEA_URL=http://"+proxy.Listen+"/")
}

func TestAToxicNetworkThatOnlyDelaysIsWaitedFor(t *testing.T) {
	for name, toxic := range map[string]string{
		"latency":   `{"type":"latency","attributes":{"latency":50,"jitter":20}}`,
		"bandwidth": `{"type":"bandwidth","attributes":{"rate":20}}`,
		"slicer":    `{"type":"slicer","attributes":{"average_size":50,"size_variation":20,"delay":1000}}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := startBehindToxicNetwork(t, toxic)
			requireAnswers(t, h, three)
			assert.Zero(t, metric(t, h, "hedgerow_attempt_failures_total"))
		})
	}
}

func TestAToxicNetworkThatDelaysBeyondTheTimeoutEndsAtTheDeadline(t *testing.T) {
	for name, toxic := range map[string]string{
		"latency":   `{"type":"latency","attributes":{"latency":2000}}`,
		"bandwidth": `{"type":"bandwidth","attributes":{"rate":1}}`, // KB/s
		"slicer":    `{"type":"slicer","attributes":{"average_size":10,"delay":20000}}`,
		"timeout":   `{"type":"timeout","attributes":{"timeout":0}}`, // everything is lost
	} {
		t.Run(name, func(t *testing.T) {
			h := startBehindToxicNetwork(t, toxic)
			baseline := atRest(t, h)
			requireTimedOut(t, h)
			requireNoLeak(t, h, baseline)
		})
	}
}

func TestAToxicNetworkThatCutsConnectionsFailsTheAttempts(t *testing.T) {
	for name, test := range map[string]struct {
		toxic  string
		reason string
		within time.Duration
	}{
		"reset_peer":                 {`{"type":"reset_peer","attributes":{"timeout":0}}`, "connection reset", atOnce},
		"reset_peer later":           {`{"type":"reset_peer","attributes":{"timeout":50}}`, "connection reset", 2*50*time.Millisecond + noise},
		"timeout":                    {`{"type":"timeout","attributes":{"timeout":50}}`, "connection closed", 2*50*time.Millisecond + noise},
		"limit_data in the headers":  {`{"type":"limit_data","attributes":{"bytes":10}}`, "invalid response", atOnce},
		"limit_data in the body":     {`{"type":"limit_data","attributes":{"bytes":500}}`, "incomplete body", atOnce},
		"limit_data before an octet": {`{"type":"limit_data","attributes":{"bytes":0}}`, "connection closed", atOnce},
	} {
		t.Run(name, func(t *testing.T) {
			h := startBehindToxicNetwork(t, test.toxic)
			baseline := atRest(t, h)
			requireFailed(t, h, test.reason, test.within)
			requireNoLeak(t, h, baseline)
		})
	}
}

func TestAToxicNetworkThatLosesOnlySomeConnectionsIsWhatHedgesAreFor(t *testing.T) {
	h := startBehindToxicNetwork(t, `{"type":"timeout","toxicity":0.3,"attributes":{"timeout":0}}`)
	for range 20 {
		for _, path := range []string{"/api/first", "/api/smart"} {
			a := get(t, h, path+"?timeout=600")
			if a.StatusCode == http.StatusOK {
				assert.Equal(t, `{"time":1}`, a.body)
				continue
			}
			assert.Equal(t, http.StatusGatewayTimeout, a.StatusCode) // one call in 37, when all three are lost
		}
		assert.Equal(t, http.StatusOK, get(t, h, "/api/within-timeout?timeout=50").StatusCode)
	}
	answered := metric(t, h, "hedgerow_calls_total", "endpoint", "/api/first", "status", "200") +
		metric(t, h, "hedgerow_calls_total", "endpoint", "/api/smart", "status", "200")
	assert.Greater(t, answered, 30, "of 40")
}
