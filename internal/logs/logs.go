// Package logs makes the process's log: lines that nobody waits for, and failures that are logged once a minute.
package logs

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
)

// Settings of the log. They are not checked here: internal/config does.
type Settings struct {
	// Level is the lowest level that is logged.
	Level slog.Level
	// Format is json or text. Empty: text on a terminal, json elsewhere.
	Format string
}

// Open returns the log that the settings ask for, and the buffer between it and w. Plain text may be written to the buffer too. Closing
// it writes the last lines.
//
// It is the log of the whole process from then on. What is written by the standard package log goes there too. When the reader of
// standard output or standard error has gone away, lines are lost; SIGPIPE would end the process.
func Open(s Settings, w io.Writer) (*slog.Logger, io.WriteCloser) {
	if f, ok := w.(*os.File); s.Format == "" && ok && isatty.IsTerminal(f.Fd()) {
		s.Format = "text"
	}
	buffer := newBuffer(w, func(lost int) []byte {
		var line bytes.Buffer
		s.logger(&line).Warn("log lines were dropped: they are not read as fast as they come", "lost", lost)
		return line.Bytes()
	})
	logger := s.logger(buffer)
	takeOver(logger)
	signal.Ignore(syscall.SIGPIPE)
	return logger, buffer
}

func (s Settings) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.Level}
	if s.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
