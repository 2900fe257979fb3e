package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"

	"hedgerow/internal/config"
)

// newLogger returns the log that the settings ask for, and what writes the last of it when the process is about to end.
func newLogger(settings config.Log, w io.Writer) (logger *slog.Logger, flush func()) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(settings.LogLevel)); err != nil || settings.Debug {
		level = slog.LevelDebug // the level was checked, so it is DEBUG
	}
	options := &slog.HandlerOptions{Level: level}
	format := settings.LogFormat
	if f, ok := w.(*os.File); format == "" && ok && isatty.IsTerminal(f.Fd()) {
		format = "text"
	}
	buffer := newLogBuffer(w)
	if format == "text" {
		return slog.New(slog.NewTextHandler(buffer, options)), buffer.Close
	}
	return slog.New(slog.NewJSONHandler(buffer, options)), buffer.Close
}
