package compose

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestMakeRunSaysSoonWhyTheServiceDoesNotStart(t *testing.T) {
	withEachCompose(t, func(t *testing.T, p *project) {
		p.run(t, "build") // what is measured is the start
		start := time.Now()
		output, err := p.makeRun()
		require.Error(t, err)
		assert.Less(t, time.Since(start), 30*time.Second)
		assert.Contains(t, output, "The API does not start. Its last lines:")
		assert.Contains(t, output, `EXPONEA_URL`)
		assert.Contains(t, output, "ftp", "the service's own message")
	}, "EXPONEA_URL=ftp://bad.example.org/")
}

func TestMakeRunEndsWhenTheServiceIsReady(t *testing.T) {
	withEachCompose(t, func(t *testing.T, p *project) {
		output, err := p.makeRun()
		require.NoError(t, err, output)
		status, _, _, err := get(p.containers(t, "api")[0].url(t) + "/readyz")
		require.NoError(t, err)
		assert.Equal(t, 200, status)
	})
}

// makeRun is `make run` for the project.
func (p *project) makeRun() (output string, err error) {
	compose := slices.Concat(p.compose, []string{"--env-file", noSettings, "-f", composeFile(), "-p", p.name})
	command := exec.Command("make", "run", "COMPOSE="+strings.Join(compose, " "))
	command.Dir, command.Env = harness.Root(), p.environment
	text, err := command.CombinedOutput()
	return string(text), err
}
