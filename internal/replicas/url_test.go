package replicas

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAURLNamesAServerOrASocket(t *testing.T) {
	for text, want := range map[string]endpoint{
		"redis://h":                       {network: "tcp", addr: "h:6379"},
		"redis://h:7000/12":               {network: "tcp", addr: "h:7000", database: 12},
		"redis://h/":                      {network: "tcp", addr: "h:6379"},
		"redis://[::1]:7000":              {network: "tcp", addr: "[::1]:7000"},
		"redis://:p%40ss@h":               {network: "tcp", addr: "h:6379", password: "p@ss"},
		"rediss://me:pass@h:1/1":          {network: "tcp", addr: "h:1", secure: true, username: "me", password: "pass", database: 1},
		"unix:///run/redis.sock":          {network: "unix", addr: "/run/redis.sock"},
		"unix://me:pass@/run/redis.sock":  {network: "unix", addr: "/run/redis.sock", username: "me", password: "pass"},
		"unix://:pass@/run/redis%20.sock": {network: "unix", addr: "/run/redis .sock", password: "pass"},
	} {
		u, err := ParseURL(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, *u.parsed, text)
	}
}

func TestAnythingElseIsNoURLAndIsNotShown(t *testing.T) {
	for _, text := range []string{
		"h:6379", "http://hunter2@h", "redis://", "redis://:hunter2@", "redis:h", "redis://h/one", "redis://h/-1", "redis://h/0/1", "redis://h:0", "redis://h:99999",
		"redis://h:hunter2", "redis://:hunter2@h?db=1", "redis://h#hunter2", "redis://h?", "redis://hunter2@h", "redis://hunter2:@h", "redis://hunter2%zz@h", "unix://h/run", "unix://", "unix:run", " redis://h",
	} {
		_, err := ParseURL(text)
		require.EqualError(t, err, "is not a URL like redis://user:password@host:6379/0, rediss://host (TLS) or unix:///run/redis.sock", text)
	}
}

func TestAURLShowsNeitherUserNorPassword(t *testing.T) {
	u, err := ParseURL("redis://someone:hunter2@h:7000/12")
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%s", "%#v", "%q"} {
		for _, value := range []any{u, &u, []URL{u}, struct{ U *URL }{&u}} {
			shown := fmt.Sprintf(verb, value)
			assert.NotContains(t, shown, "hunter2", verb)
			assert.NotContains(t, shown, "someone", verb)
		}
	}
	assert.Equal(t, "h:7000", u.String())
}
