package main

import (
	"crypto/rand"
	"log/slog"
	"strings"
	"time"

	"hedgerow/internal/config"
	"hedgerow/internal/config/file"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
)

// apis are those of the file, and what their calls share.
type apis struct {
	path    string
	gateway *gateway.Gateway // nil when there is no file
	buffer  *gateway.Buffer
	via     forward.Via
	longest time.Duration // of all calls that may be made, those of the challenge's API too
	logger  *slog.Logger
}

// openAPIs reads the file of APIs, if the settings name one. The error has a line for each problem.
func openAPIs(settings config.Serve, logger *slog.Logger) (*apis, error) {
	a := &apis{path: settings.Config, longest: settings.MaxTimeout, logger: logger}
	if a.path == "" {
		return a, nil
	}
	f, err := readAPIs(a.path)
	if err != nil {
		return nil, err
	}
	a.buffer = gateway.NewBuffer(int64(settings.MaxBuffered))
	a.via = forward.Via("hedgerow-" + rand.Text()[:8])
	a.gateway = gateway.New(f.APIs, gateway.Settings{
		UserAgent: "hedgerow/" + version, LoserGrace: settings.LoserGrace, MaxInFlight: settings.MaxInFlight, Logger: logger,
	})
	a.longest = max(a.longest, f.LongestTimeout())
	a.tell("the file of APIs has been read", f)
	return a, nil
}

// reload reads the file again. A bad one changes nothing.
func (a *apis) reload() {
	if a.gateway == nil {
		a.logger.Info("SIGHUP is ignored: there is no file of APIs to read again")
		return
	}
	f, err := readAPIs(a.path)
	if err != nil {
		for problem := range strings.Lines(err.Error()) {
			a.logger.Error("the file of APIs cannot be read again, and nothing changes", "problem", strings.TrimSuffix(problem, "\n"))
		}
		return
	}
	a.gateway.Swap(f.APIs)
	a.tell("the file of APIs has been read again", f)
}

func (a *apis) tell(what string, f *file.File) {
	a.logger.Info(what, "file", a.path, "apis", f.Names())
	for _, warning := range f.Warnings() {
		a.logger.Warn(warning)
	}
}

// end waits for losers and leaves no connection behind. No call may begin meanwhile.
func (a *apis) end() {
	if a.gateway != nil {
		a.gateway.Close()
	}
}
