package otel_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/otel"
)

const here = "OTEL_EXPORTER_OTLP_ENDPOINT"

// parse reads variables given as NAME, value, NAME, value.
func parse(variables ...string) (*otel.Traces, []otel.Problem) {
	m := map[string]string{}
	for i := 0; i+1 < len(variables); i += 2 {
		m[variables[i]] = variables[i+1]
	}
	return otel.Parse(m)
}

func TestTracesAreOnWhenTheVariablesSaySo(t *testing.T) {
	for _, test := range []struct {
		variables []string
		on        bool
	}{
		{nil, false},
		{[]string{here, ""}, false},
		{[]string{here, "http://h:4318"}, true},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h:4318"}, true},
		{[]string{"OTEL_TRACES_EXPORTER", "otlp"}, true},
		{[]string{here, "http://h:4318", "OTEL_TRACES_EXPORTER", "none"}, false},
		{[]string{here, "http://h:4318", "OTEL_SDK_DISABLED", "TRUE"}, false},
		{[]string{here, "http://h:4318", "OTEL_SDK_DISABLED", "false"}, true},
		{[]string{"OTEL_SERVICE_NAME", "x", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_TRACES_SAMPLER", "nonsense"}, false},
	} {
		traces, problems := parse(test.variables...)
		assert.Equal(t, test.on, traces != nil, test.variables)
		assert.Empty(t, problems, test.variables)
	}
}

func TestACaseIsAsGoodAsTheOther(t *testing.T) {
	traces, problems := parse("OTEL_TRACES_EXPORTER", "OTLP", "OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/Protobuf", "OTEL_EXPORTER_OTLP_COMPRESSION", "GZip",
		"OTEL_PROPAGATORS", "TraceContext,Baggage")
	assert.Empty(t, problems)
	assert.True(t, traces.Gzip)
	assert.True(t, traces.Propagate)
	traces, problems = parse(here, "http://h:4318", "OTEL_TRACES_EXPORTER", "None")
	assert.Empty(t, problems)
	assert.Nil(t, traces)
}

func TestTheDefaultsAreThoseOfOpenTelemetry(t *testing.T) {
	traces, problems := parse("OTEL_TRACES_EXPORTER", "otlp")
	require.Empty(t, problems)
	assert.Equal(t, "http://localhost:4318/v1/traces", traces.Endpoint.String())
	traces.Endpoint = nil
	assert.Equal(t, &otel.Traces{
		Headers: http.Header{}, Timeout: 10 * time.Second, Sampler: otel.Sampler{Ratio: 1, ByParent: true}, Propagate: true,
		Queue: 2048, Batch: 512, Delay: 5 * time.Second,
	}, traces)
}

func TestAVariableForTracesGoesBeforeThatForAllSignals(t *testing.T) {
	for variables, want := range map[[2]string]string{
		{"http://h:4318", ""}:                    "http://h:4318/v1/traces",
		{"https://h/base/", ""}:                  "https://h/base/v1/traces",
		{"http://h?key=1", ""}:                   "http://h/v1/traces?key=1",
		{"http://h:4318", "https://i/traces"}:    "https://i/traces",
		{"", "https://i"}:                        "https://i",
		{"grpc://nobody:4317", "http://i/x?k=2"}: "http://i/x?k=2",
	} {
		traces, problems := parse(here, variables[0], "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", variables[1])
		assert.Empty(t, problems)
		assert.Equal(t, want, traces.Endpoint.String())
	}
	traces, problems := parse(here, "http://h", "OTEL_EXPORTER_OTLP_HEADERS", "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2",
		"OTEL_EXPORTER_OTLP_TIMEOUT", "2000", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "3000", "OTEL_EXPORTER_OTLP_COMPRESSION", "none",
		"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
	assert.Empty(t, problems)
	assert.Equal(t, http.Header{"B": {"2"}}, traces.Headers)
	assert.Equal(t, 3*time.Second, traces.Timeout)
	assert.True(t, traces.Gzip)
}

func TestHeadersAndAttributesArePercentEncodedLists(t *testing.T) {
	traces, problems := parse(here, "http://h", "OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x%3D, api-key = k=y ,",
		"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=a%2Cb,empty=", "OTEL_SERVICE_NAME", "mine")
	assert.Empty(t, problems)
	assert.Equal(t, http.Header{"Authorization": {"Bearer x="}, "Api-Key": {"k=y"}}, traces.Headers)
	assert.Equal(t, []otel.Attribute{
		{Name: "deployment.environment.name", Value: "test"}, {Name: "service.name", Value: "a,b"}, {Name: "empty"},
	}, traces.Attributes)
	assert.Equal(t, "mine", traces.ServiceName)
}

func TestTheSamplerIsOneOfSix(t *testing.T) {
	for name, want := range map[string]otel.Sampler{
		"": {Ratio: 1, ByParent: true}, "always_on": {Ratio: 1}, "always_off": {}, "traceidratio": {Ratio: 0.25},
		"parentbased_always_on": {Ratio: 1, ByParent: true}, "parentbased_always_off": {ByParent: true},
		"parentbased_traceidratio": {Ratio: 0.25, ByParent: true}, "ParentBased_TraceIDRatio": {Ratio: 0.25, ByParent: true},
	} {
		traces, problems := parse(here, "http://h", "OTEL_TRACES_SAMPLER", name, "OTEL_TRACES_SAMPLER_ARG", "0.25")
		assert.Empty(t, problems)
		assert.Equal(t, want, traces.Sampler, name)
	}
	traces, _ := parse(here, "http://h", "OTEL_TRACES_SAMPLER", "traceidratio")
	assert.Equal(t, otel.Sampler{Ratio: 1}, traces.Sampler)
}

func TestTracesGoOnByTraceContextAlone(t *testing.T) {
	for propagators, want := range map[string]bool{"": true, "tracecontext,baggage": true, "baggage, tracecontext": true, "baggage": false, "none": false} {
		traces, problems := parse(here, "http://h", "OTEL_PROPAGATORS", propagators)
		assert.Empty(t, problems)
		assert.Equal(t, want, traces.Propagate, propagators)
	}
}

func TestTheQueueIsAsItIsAskedFor(t *testing.T) {
	traces, problems := parse(here, "http://h", "OTEL_BSP_MAX_QUEUE_SIZE", "100", "OTEL_BSP_SCHEDULE_DELAY", "1000", "OTEL_BSP_EXPORT_TIMEOUT", "4000")
	assert.Empty(t, problems)
	assert.Equal(t, []any{100, 100, time.Second, 4 * time.Second}, []any{traces.Queue, traces.Batch, traces.Delay, traces.Timeout})
	traces, _ = parse(here, "http://h", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
	assert.Equal(t, 10, traces.Batch)
}

// certificate writes a certificate and its key, and returns their files.
func certificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, "c.pem"), filepath.Join(folder, "k.pem")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certificate, key
}

func TestCertificatesAreRead(t *testing.T) {
	file, key := certificate(t)
	traces, problems := parse(here, "https://h", "OTEL_EXPORTER_OTLP_CERTIFICATE", file,
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file, "OTEL_EXPORTER_OTLP_CLIENT_KEY", key)
	require.Empty(t, problems)
	assert.NotNil(t, traces.TLS.RootCAs)
	assert.Len(t, traces.TLS.Certificates, 1)
	traces, _ = parse(here, "https://h", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", file)
	assert.Empty(t, traces.TLS.Certificates)
	traces, _ = parse(here, "https://h")
	assert.Nil(t, traces.TLS)
}
