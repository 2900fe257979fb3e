package compose

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestTheImageIsAtMost40MB(t *testing.T) {
	text, err := docker("image", "inspect", "--format={{.Size}}", image)
	require.NoError(t, err)
	size, err := strconv.Atoi(text)
	require.NoError(t, err)
	t.Logf("%.1f MB", float64(size)/1e6)
	assert.LessOrEqual(t, size, 40_000_000)
}

func TestTheVersionIsStampedIntoBinaryAndImage(t *testing.T) {
	line, err := docker("run", "--rm", "--network=none", image, "version")
	require.NoError(t, err)
	assert.Regexp(t, `^hedgerow `+regexp.QuoteMeta(version)+` go1\.`, line)
	label, err := docker("image", "inspect", `--format={{index .Config.Labels "org.opencontainers.image.version"}}`, image)
	require.NoError(t, err)
	assert.Equal(t, version, label)
}

func TestTheImageHasTheCertificatesThatAnHTTPSUpstreamNeeds(t *testing.T) {
	id, err := docker("create", image)
	require.NoError(t, err)
	defer func() { _, _ = docker("rm", id) }()
	archive, err := docker("cp", "--follow-link", id+":/etc/ssl/certs/ca-certificates.crt", "-")
	require.NoError(t, err)
	files := tar.NewReader(bytes.NewReader([]byte(archive)))
	_, err = files.Next()
	require.NoError(t, err)
	text, err := io.ReadAll(files)
	require.NoError(t, err)
	assert.True(t, x509.NewCertPool().AppendCertsFromPEM(text))
}

func TestAnyBaseImageWillDo(t *testing.T) {
	tag := image + "-scratch"
	_, err := command(buildTimeout, nil, "docker", "build", "--quiet", "--tag="+tag, "--build-arg=BASE_IMAGE=scratch",
		"--build-arg=GO_IMAGE="+envOr("GO_IMAGE", "golang:1.26-bookworm"), "--build-arg=GOPROXY="+goProxy(), "--build-arg=VERSION="+version, ".")
	require.NoError(t, err)
	defer func() { _, _ = docker("image", "rm", tag) }()
	_, err = docker("run", "--rm", "--network=none", tag, "version")
	require.NoError(t, err)
}

func TestEverySettingCanBeGivenToTheDeployment(t *testing.T) {
	inside := map[string]bool{ // the file's own business
		"HEDGEROW_ADDR": true, "HEDGEROW_ADMIN_ADDR": true, "HEDGEROW_CONFIG": true, "HEDGEROW_TESTSERVER_ADDR": true,
	}
	for _, service := range []string{"serve", "testserver"} {
		help, err := docker("run", "--rm", "--network=none", image, service, "--help")
		require.NoError(t, err)
		variables := regexp.MustCompile(`\$([A-Z][A-Z0-9_]+)`).FindAllStringSubmatch(help, -1)
		require.Greater(t, len(variables), 8, help)
		for _, file := range []string{"docker-compose.yml", ".env.example"} {
			text, err := os.ReadFile(filepath.Join(harness.Root(), file))
			require.NoError(t, err)
			for _, variable := range variables {
				if !inside[variable[1]] {
					assert.Regexp(t, `(?m)^[ #]*`+variable[1]+`[:=]`, string(text), file)
				}
			}
		}
	}
}
