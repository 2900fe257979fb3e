package otel_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/otel"
)

func TestWhatKeepsSpansFromArrivingEndsTheStartAndTheRestIsAWarning(t *testing.T) {
	file, _ := certificate(t)
	none := filepath.Join(t.TempDir(), "none.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	const notHeader = "is not a header like name=value, percent-encoded where need be"
	for _, test := range []struct {
		variable, value, text string
		fatal                 bool
	}{
		{here, "collector:4318", "is neither an http nor an https URL", true},
		{here, "http://", "has no host", true},
		{here, "http://h:port", "is not a URL", true},
		{here, "http://h:65536", "has no port from 1 to 65535", true},
		{here, "http://h:0", "has no port from 1 to 65535", true},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://h", "is neither an http nor an https URL", true},
		{"OTEL_TRACES_EXPORTER", "zipkin", `"zipkin" is neither otlp nor none`, true},
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", `"grpc" is not http/protobuf, which is the only protocol that there is here`, true},
		{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", `"http/json" is not http/protobuf, which is the only protocol that there is here`, true},
		{"OTEL_EXPORTER_OTLP_HEADERS", "a=1,b", "its part 2 " + notHeader, true},
		{"OTEL_EXPORTER_OTLP_HEADERS", "a b=1", "its part 1 " + notHeader, true},
		{"OTEL_EXPORTER_OTLP_HEADERS", "a=%zz", "its part 1 " + notHeader, true},
		{"OTEL_EXPORTER_OTLP_HEADERS", "a=1%0A2", "its part 1 " + notHeader, true},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE", none, "is not a file that can be read: no such file or directory", true},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE", empty, fmt.Sprintf("there is no certificate in PEM in %q", empty), true},
		{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file, "has no key: OTEL_EXPORTER_OTLP_CLIENT_KEY is not set", true},
		{"OTEL_EXPORTER_OTLP_CLIENT_KEY", file, "has no certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is not set", true},

		{"OTEL_SDK_DISABLED", "yes", `"yes" is neither true nor false, and counts as false`, false},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s", `"10s" is not a whole number of milliseconds from 1 to 3600000; it is 10000 now`, false},
		{"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", `"zstd" is neither gzip nor none, and counts as none`, false},
		{"OTEL_TRACES_SAMPLER", "some", `"some" is not always_on, always_off, traceidratio or one of these behind parentbased_; it is parentbased_always_on now`, false},
		{"OTEL_PROPAGATORS", "b3", `"b3" is ignored: tracecontext is the only one that there is here`, false},
		{"OTEL_RESOURCE_ATTRIBUTES", "a=1,b", "all of it is ignored: its part 2 is not an attribute like name=value, percent-encoded where need be", false},
		{"OTEL_BSP_MAX_QUEUE_SIZE", "0", `"0" is not a whole number from 1 to 1048576; it is 2048 now`, false},
		{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9999999", `"9999999" is not a whole number from 1 to 1048576; it is 512 now`, false},
		{"OTEL_BSP_SCHEDULE_DELAY", "-1", `"-1" is not a whole number of milliseconds from 1 to 3600000; it is 5000 now`, false},
		{"OTEL_BSP_EXPORT_TIMEOUT", "x", `"x" is not a whole number of milliseconds from 1 to 3600000; it is 30000 now`, false},
	} {
		variables := []string{test.variable, test.value}
		if test.variable != here {
			variables = append(variables, here, "http://h")
		}
		_, problems := parse(variables...)
		assert.Equal(t, []otel.Problem{{Variable: test.variable, Text: test.text, Fatal: test.fatal}}, problems, test.value)
	}
	for _, share := range []string{"1%", "-0.1", "1.1", "NaN"} {
		traces, problems := parse(here, "http://h", "OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", share)
		assert.Equal(t, []otel.Problem{{
			Variable: "OTEL_TRACES_SAMPLER_ARG", Text: fmt.Sprintf("%q is not a number from 0 to 1; it is 1 now", share),
		}}, problems)
		assert.InDelta(t, 1, traces.Sampler.Ratio, 0)
	}
}

func TestAKeyInPlaceOfItsFileIsNotShown(t *testing.T) {
	file, key := certificate(t)
	pasted, err := os.ReadFile(key) //nolint:gosec // the test has made it
	require.NoError(t, err)
	const problem = "is not a file that can be read: "
	for _, test := range []struct{ certificate, key, variable, text string }{
		{file, string(pasted), "OTEL_EXPORTER_OTLP_CLIENT_KEY", problem + "no such file or directory"},
		{file, strings.Repeat(string(pasted), 100), "OTEL_EXPORTER_OTLP_CLIENT_KEY", problem + "file name too long"},
		{string(pasted), key, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", problem + "no such file or directory"},
		{file, filepath.Dir(key), "OTEL_EXPORTER_OTLP_CLIENT_KEY", problem + "is a directory"},
		{key, key, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"},
	} {
		_, problems := parse(here, "https://h", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", test.certificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY", test.key)
		assert.Equal(t, []otel.Problem{{Variable: test.variable, Text: test.text, Fatal: true}}, problems)
	}
}

func TestAProblemShowsNothingOfWhatMayBeSecret(t *testing.T) {
	for _, endpoint := range []string{"https://user:s3cret@", "s3cret:443", "https://h:s3cret/", "ftp://h/?key=s3cret", "https://%s3cret"} {
		_, problems := parse(here, endpoint, "OTEL_EXPORTER_OTLP_HEADERS", "s3cret,key=s3cret%,s3cret=%0a,s 3cret=s3cret")
		assert.Len(t, problems, 5, endpoint)
		assert.NotContains(t, strings.ToLower(fmt.Sprint(problems)), "s3cret")
	}
}
