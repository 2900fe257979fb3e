package main

import (
	"hedgerow/internal/config"
	"hedgerow/internal/probe"
)

// checkHealth asks a running service whether it is ready.
func checkHealth(settings config.Healthcheck) error {
	addr := settings.Asked()
	return probe.Ask(addr.String(), settings.Path, settings.Timeout)
}
