package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config"
)

func TestEverySettingIsDescribedByItsVariable(t *testing.T) {
	c, _ := parse[*config.Serve](t, []string{"--producers=5"}, "HEDGEROW_HEDGE_DELAY=p95", "HEDGEROW_HEDGE_BUDGET=10%", "HEDGEROW_ADMIN_ADDR=")
	text := c.Describe()
	for setting, value := range map[string]string{
		"EXPONEA_URL": "(empty)", "HEDGEROW_CONFIG": "(empty)", "HEDGEROW_REDIS_URL": "(empty)", "HEDGEROW_H2C": "false", "HEDGEROW_ADDR": ":5000", "HEDGEROW_ADMIN_ADDR": "(off)",
		"HEDGEROW_PRODUCERS": "5", "HEDGEROW_HEDGE_DELAY": "p95", "HEDGEROW_HEDGE_BUDGET": "10%", "HEDGEROW_MAX_TIMEOUT": "1m0s",
		"HEDGEROW_LOG_LEVEL": "INFO", "DEBUG": "false", "HEDGEROW_TESTSERVER_ADDR": "127.0.0.1:0", "HEDGEROW_TESTSERVER_FAIL": "0.1",
	} {
		assert.Regexp(t, `(?m)^`+setting+` +`+regexp.QuoteMeta(value)+`$`, text)
	}
	help, _, err := config.Parse([]string{"serve", "--help"}, nil)
	require.NoError(t, err)
	variables := regexp.MustCompile(`\(\$([A-Z_0-9]+)\)`).FindAllStringSubmatch(strings.Join(strings.Fields(string(help.(config.Help))), " "), -1)
	assert.Greater(t, len(variables), 25)
	for _, variable := range variables {
		assert.Regexp(t, `(?m)^`+variable[1]+` `, text)
	}
}

func TestTheDescriptionOfAURLHasNoSecret(t *testing.T) {
	c, _ := parse[*config.Serve](t, nil, "EXPONEA_URL=https://user:s3cret@example.org:8443/a%2Fb?key=s3cret", "HEDGEROW_REDIS_URL=rediss://user:s3cret@example.org/3")
	assert.Regexp(t, `(?m)^EXPONEA_URL +https://example.org:8443/a%2Fb$`, c.Describe())
	assert.Regexp(t, `(?m)^HEDGEROW_REDIS_URL +example.org:6379$`, c.Describe())
	assert.NotContains(t, c.Describe(), "s3cret")
}
