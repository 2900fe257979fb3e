package main

import (
	"bytes"
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
	buffer := newLogBuffer(w, func(lost int) []byte {
		var line bytes.Buffer
		formatted(&line, format, options).Warn("log lines were dropped: they are not read as fast as they come", "lost", lost)
		return line.Bytes()
	})
	return formatted(buffer, format, options), buffer.Close
}

func formatted(w io.Writer, format string, options *slog.HandlerOptions) *slog.Logger {
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
