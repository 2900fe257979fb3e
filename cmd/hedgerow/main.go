// Command hedgerow is the service and its testing server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"hedgerow/internal/config"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes besides 0.
const (
	exitFailure = 1
	exitUsage   = 2
)

// run does what args and the environment say, until it is done, a signal comes or ctx is done. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command, c, err := config.Parse(args, stdout)
	switch {
	case errors.Is(err, config.ErrHelp):
		return 0
	case err != nil:
		complain(stderr, err)
		return exitUsage
	}
	switch command {
	case "serve":
		logger, flush := newLogger(c.Serve.Log, stderr)
		err = serve(ctx, c.Serve, logger)
		flush()
	case "upstream":
		logger, flush := newLogger(c.Upstream.Log, stderr)
		err = serveUpstream(ctx, c.Upstream, logger)
		flush()
	case "healthcheck":
		err = checkHealth(ctx, c.Healthcheck)
	case "version":
		_, err = fmt.Fprintln(stdout, versionLine())
	}
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
