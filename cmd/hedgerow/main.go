// Command hedgerow is the service and its testing server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"hedgerow/internal/config"
	"hedgerow/internal/logs"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes besides 0.
const (
	exitFailure = 1
	exitUsage   = 2
)

// run runs the command that args and the environment name, until it ends, a signal comes or ctx is done. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command, c, err := config.Parse(args, os.Environ(), stdout)
	switch {
	case errors.Is(err, config.ErrHelp):
		return 0
	case err != nil:
		complain(stderr, err)
		return exitUsage
	}
	switch command {
	case "serve":
		return logged(c.Serve.Log, c.Warnings, stderr, func(logger *slog.Logger) error { return serve(ctx, c.Serve, logger) })
	case "testserver":
		return logged(c.TestServer.Log, c.Warnings, stderr, func(logger *slog.Logger) error { return serveTestServer(ctx, c.TestServer, logger) })
	case "healthcheck":
		err = checkHealth(ctx, c.Healthcheck)
	case "version":
		_, err = fmt.Fprintln(stdout, versionLine())
	}
	return exitCode(err, stderr)
}

// logged runs a command that has a log. Its error goes through the log's buffer too, because perhaps nobody reads standard error.
func logged(settings config.Log, warnings []string, stderr io.Writer, command func(*slog.Logger) error) int {
	level := settings.LogLevel
	if settings.Debug {
		level = "debug"
	}
	s := logs.Settings{Format: settings.LogFormat}
	_ = s.Level.UnmarshalText([]byte(level)) // checked by config
	logger, out := logs.Open(s, stderr)
	defer func() { _ = out.Close() }()
	for _, warning := range warnings {
		logger.Warn(warning)
	}
	return exitCode(command(logger), out)
}

func exitCode(err error, stderr io.Writer) int {
	if err != nil {
		complain(stderr, err)
		return exitFailure
	}
	return 0
}

// complain writes an error, a line for each problem in it.
func complain(stderr io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		_, _ = fmt.Fprintf(stderr, "hedgerow: %s\n", strings.TrimSuffix(line, "\n"))
	}
}
