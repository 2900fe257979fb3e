package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config"
)

func TestOpenTelemetrysVariablesAreTheServicesAlone(t *testing.T) {
	c, warnings := parse[*config.Serve](t, nil, "OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318", "OTEL_BSP_MAX_QUEUE_SIZE=x\n")
	assert.Equal(t, "http://h:4318/v1/traces", c.Traces.Endpoint.String())
	assert.Equal(t, []string{`OTEL_BSP_MAX_QUEUE_SIZE: "x" is not a whole number from 1 to 1048576; it is 2048 now`}, warnings)

	bad := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=h:4318", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc\x00"}
	_, _, err := config.Parse([]string{"serve"}, append(bad, "HEDGEROW_PRODUCERS=x"))
	require.EqualError(t, err, `--producers (HEDGEROW_PRODUCERS): "x" is not a whole number
OTEL_EXPORTER_OTLP_PROTOCOL: "grpc\x00" is not http/protobuf, which is the only protocol that there is here
OTEL_EXPORTER_OTLP_ENDPOINT: is neither an http nor an https URL`)
	parse[*config.TestServer](t, []string{"testserver"}, bad...)
	parse[*config.Healthcheck](t, []string{"healthcheck"}, bad...)
}
