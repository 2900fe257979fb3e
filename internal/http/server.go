package http

import (
	"log/slog"
	"net/http"
	"time"
)

const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	writeMargin    = 5 * time.Second // on top of the longest call
	maxHeaderBytes = 16 << 10
)

// NewServer returns a server for handler that a slow or silent client cannot hold up. maxTimeout is the longest call.
func NewServer(handler http.Handler, maxTimeout time.Duration, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		// Not shorter than a call: net/http takes a read that times out meanwhile for a caller gone.
		ReadTimeout:    maxTimeout + writeMargin,
		WriteTimeout:   maxTimeout + writeMargin,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ConnContext:    rememberConnection,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
