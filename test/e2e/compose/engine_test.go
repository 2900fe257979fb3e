// Package compose tests the image and the deployment of docker-compose.yml in a real Docker engine.
//
// It needs docker and docker-compose, and as root it needs no more: it starts the engine when none is running, and makes stand-ins
// of base images that cannot be pulled. The first build takes minutes, so give it time: go test -timeout 30m ./compose/
package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hedgerow/test/e2e/harness"
)

const (
	version = "v0.0.0-compose.test"
	install = "on Debian: apt-get install docker.io docker-compose debootstrap prometheus"

	commandTimeout = 2 * time.Minute
	buildTimeout   = 20 * time.Minute
)

var (
	// image is the tag of the image under test, another one for each run of the tests.
	image = fmt.Sprintf("hedgerow-test:%d", os.Getpid())
	// composes are the Compose commands of this machine, 1.29 and 2.
	composes [][]string
	// noSettings is an empty file in place of the tester's own .env.
	noSettings string
)

func TestMain(m *testing.M) {
	code, err := testWithEngine(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "compose tests: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

// testWithEngine runs the tests, and leaves the machine as it was.
func testWithEngine(m *testing.M) (code int, err error) {
	if err := findCommands(); err != nil {
		return 0, err
	}
	file, err := os.CreateTemp("", "hedgerow-*.env")
	if err != nil {
		return 0, err
	}
	_ = file.Close()
	noSettings = file.Name()
	defer func() { _ = os.Remove(noSettings) }()

	stopEngine, err := startEngine()
	if err != nil {
		return 0, err
	}
	defer stopEngine()
	if err := provideBaseImages(); err != nil {
		return 0, err
	}
	if err := buildImage(); err != nil {
		return 0, err
	}
	defer func() { // the builder's cache stays, for the next time
		_, removing := docker("image", "rm", image)
		err = errors.Join(err, removing)
	}()

	// Somebody else's container has to survive all of this.
	bystander, err := docker("create", envOr("HAPROXY_IMAGE", "haproxy:lts"))
	if err != nil {
		return 0, err
	}
	code = m.Run()
	if _, err := docker("rm", bystander); err != nil {
		return 0, fmt.Errorf("a container of somebody else is gone: %w", err)
	}
	return code, nil
}

// findCommands fills composes.
func findCommands() error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("docker is missing; " + install)
	}
	for _, candidate := range [][]string{{"docker-compose"}, {"docker", "compose"}} {
		if out, err := command(commandTimeout, nil, candidate[0], append(candidate[1:], "version", "--short")...); err == nil {
			progressf("%s is %s", strings.Join(candidate, " "), out)
			composes = append(composes, candidate)
		}
	}
	if composes == nil {
		return errors.New("neither docker-compose nor docker compose is there; " + install)
	}
	return nil
}

// startEngine makes sure that an engine runs. stop ends it when it did not run before.
func startEngine() (stop func(), err error) {
	_, err = docker("version")
	if err == nil {
		return func() {}, nil
	}
	if os.Getenv("DOCKER_HOST") != "" || os.Getuid() != 0 {
		return nil, fmt.Errorf("the Docker engine does not answer, and only root can start one here: %w", err)
	}
	if _, err := exec.LookPath("dockerd"); err != nil {
		return nil, errors.New("the Docker engine is missing; " + install)
	}
	log, err := os.CreateTemp("", "dockerd-*.log")
	if err != nil {
		return nil, err
	}
	engine := exec.Command("dockerd")
	engine.Stdout, engine.Stderr = log, log
	if err := engine.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- engine.Wait() }()
	stop = func() {
		_ = engine.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = engine.Process.Kill()
		}
		_ = log.Close()
		_ = os.Remove(log.Name())
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if _, err = docker("version"); err == nil {
			progressf("started an engine")
			return stop, nil
		}
		if time.Now().After(deadline) || len(ended) > 0 {
			text, _ := os.ReadFile(log.Name())
			stop()
			return nil, fmt.Errorf("dockerd does not start: %w\n%s", err, text[max(0, len(text)-2000):])
		}
	}
}

// provideBaseImages pulls the base images or, where no registry can be reached, makes stand-ins of them.
func provideBaseImages() error {
	var missing []string
	for _, base := range []string{
		envOr("GO_IMAGE", "golang:1.26-bookworm"),
		envOr("BASE_IMAGE", "gcr.io/distroless/static-debian12:nonroot"),
		envOr("HAPROXY_IMAGE", "haproxy:lts"),
		envOr("PROMETHEUS_IMAGE", "prom/prometheus:v3.5.0"),
		envOr("REDIS_IMAGE", "redis:7-alpine"),
	} {
		if _, err := docker("image", "inspect", base); err == nil || base == "scratch" {
			continue
		}
		progressf("pulling %s", base)
		if _, err := command(5*time.Minute, nil, "docker", "pull", "--quiet", base); err != nil {
			progressf("%v", err)
			missing = append(missing, base)
		}
	}
	if missing == nil {
		return nil
	}
	progressf("making stand-ins: %v", missing)
	_, err := command(buildTimeout, nil, filepath.Join(harness.Root(), "test", "e2e", "compose", "base-images.sh"), missing...)
	return err
}

// buildImage builds the image the way `up --build` would.
func buildImage() error {
	start := time.Now()
	p := &project{name: "hedgerow-test", compose: composes[0], environment: composeEnvironment()}
	if _, err := p.try(buildTimeout, "build", "api"); err != nil {
		return err
	}
	progressf("built %s with %s in %.1f s", image, strings.Join(p.compose, " "), time.Since(start).Seconds())
	return nil
}

func docker(args ...string) (string, error) { return command(commandTimeout, nil, "docker", args...) }

// command runs a command in the project's folder and returns what it prints, without the space around it.
func command(timeout time.Duration, environment []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = harness.Root()
	c.Env = environment
	c.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		text := strings.TrimSpace(stdout.String() + stderr.String())
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, text[max(0, len(text)-3000):])
	}
	return strings.TrimSpace(stdout.String()), nil
}

func envOr(name, value string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return value
}

// progress tells the tester what takes so long.
func progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s compose tests: %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
