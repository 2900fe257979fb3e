// Command hedgerow is the service and its testing server.
package main

import (
	"context"
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
	command, warnings, err := config.Parse(args, os.Environ())
	if err != nil {
		complain(stderr, err)
		return exitUsage
	}
	switch command := command.(type) {
	case *config.Serve:
		return logged(command.Log, warnings, stderr, func(logger *slog.Logger) error { return serve(ctx, *command, logger) })
	case *config.Check:
		err = check(*command, stdout)
	case *config.TestServer:
		return logged(command.Log, warnings, stderr, func(logger *slog.Logger) error { return serveTestServer(ctx, *command, logger) })
	case *config.Healthcheck:
		err = checkHealth(*command)
	case *config.Version:
		_, err = fmt.Fprintln(stdout, versionLine())
	case config.Help:
		_, err = io.WriteString(stdout, string(command))
	}
	return exitCode(err, stderr)
}

// logged runs a command that has a log. Its error goes through the log's buffer too, because perhaps nobody reads standard error.
func logged(settings config.Log, warnings []string, stderr io.Writer, command func(*slog.Logger) error) int {
	logger, out := logs.Open(logs.Settings{Level: settings.Level(), Format: string(settings.LogFormat)}, stderr)
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
