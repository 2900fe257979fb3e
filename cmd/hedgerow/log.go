package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"

	"hedgerow/internal/config"
)

// newLogger returns the log that the settings ask for.
func newLogger(settings config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(settings.LogLevel)); err != nil || settings.Debug {
		level = slog.LevelDebug // the level was checked, so it is DEBUG
	}
	options := &slog.HandlerOptions{Level: level}
	format := settings.LogFormat
	if f, ok := w.(*os.File); format == "" && ok && isatty.IsTerminal(f.Fd()) {
		format = "text"
	}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
