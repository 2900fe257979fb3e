package file_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARouteMayChangeEverySettingOfItsPaths(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte(`
apis:
  a:
    url: http://h
    routes:
      /x:
        timeout: 2s
        max_timeout: 20s
        strategy: all
        attempts: 2
        hedge: {delay: 10ms}
        methods: [POST]
        repeatable: true
        idempotency_key: true
        forward: {headers: [X-A]}
        remove: [Server]
        keep: [Set-Cookie]
        success: {status: [2xx], if: status == 200}
        max_request_body: 2MiB
        max_body: 2MiB
`))
	require.NoError(t, err)
	api, route := reflect.ValueOf(read.APIs[0].Settings), reflect.ValueOf(read.APIs[0].Routes[0].Settings)
	for i := range api.NumField() {
		assert.NotEqual(t, api.Field(i).Interface(), route.Field(i).Interface(), api.Type().Field(i).Name)
	}
}

func TestARouteCannotChangeWhatBelongsToTheAPI(t *testing.T) {
	for _, key := range []string{"url", "urls", "spread", "set", "tls", "protocol", "quota", "max_in_flight", "example", "routes"} {
		_, err := reader().Parse("apis.yaml", []byte(`apis: {a: {url: "http://h", routes: {/x: {`+key+`: 1}}}}`))
		assert.EqualError(t, err, `apis.yaml:1:43: "`+key+`" belongs to the API: a route cannot change it`)
	}
}

func TestEachAPIMaySayOtherwiseThanTheDefaults(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte(`
defaults:
  timeout: 2s
  max_timeout: 20s
  strategy: all
  attempts: 2
  hedge: {delay: 10ms}
  methods: [POST]
  repeatable: true
  idempotency_key: true
  forward: {headers: [X-A]}
  set: {X-A: "1"}
  remove: [Server]
  keep: [Set-Cookie]
  success: {status: [2xx], if: status == 200}
  max_request_body: 2MiB
  max_body: 2MiB
  max_in_flight: 7
  quota: 100/s
  protocol: h2c
  spread: true
apis:
  same: {url: "http://h"}
  other:
    url: http://h
    timeout: 3s
    max_timeout: 30s
    strategy: first
    attempts: 3
    hedge: {delay: 20ms}
    methods: [PUT]
    repeatable: false
    idempotency_key: false
    forward: {headers: []}
    set: {}
    remove: []
    keep: []
    success: {status: [404], if: status == 404}
    max_request_body: 3MiB
    max_body: 3MiB
    max_in_flight: 8
    quota: 30/h
    protocol: auto
    spread: false
`))
	require.NoError(t, err)
	same, other := read.APIs[0], read.APIs[1]
	for _, pair := range [][2]reflect.Value{
		{reflect.ValueOf(same.Settings), reflect.ValueOf(other.Settings)},
		{reflect.ValueOf(same), reflect.ValueOf(other)},
	} {
		for i := range pair[0].NumField() {
			name := pair[0].Type().Field(i).Name
			if slices.Contains([]string{"URLs", "TLS", "Example", "Routes"}, name) {
				continue
			}
			assert.False(t, pair[0].Field(i).IsZero(), "%s of the defaults", name)
			assert.NotEqual(t, pair[0].Field(i).Interface(), pair[1].Field(i).Interface(), name)
		}
	}
}

func TestASyntaxErrorIsToldAlone(t *testing.T) {
	_, err := reader().Parse("apis.yaml", []byte("nonsense: 1\napis:\n  a: {url: ftp://h}\n  b: [\n"))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "\n")
	assert.Contains(t, err.Error(), "apis.yaml:4:6: not YAML: ")
}
