package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	writeMargin    = 5 * time.Second // on top of the longest call
	maxHeaderBytes = 16 << 10
)

// NewServer returns a server that a slow or silent caller cannot hold up. longest is the longest call. The server answers OPTIONS *
// by its handler, too.
func NewServer(handler http.Handler, longest time.Duration, logger *slog.Logger) *http.Server {
	server := newServer(handler, logger)
	// Not shorter than a call: net/http takes a read that times out meanwhile for a caller gone.
	server.ReadTimeout = longest + writeMargin
	server.WriteTimeout = longest + writeMargin
	server.IdleTimeout = idleTimeout
	server.MaxHeaderBytes = maxHeaderBytes
	server.ConnContext = rememberConnection
	server.DisableGeneralOptionsHandler = true
	return server
}

func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// Plain returns what serves handler on listener until its context is done. Requests are then cut, not drained.
func Plain(listener net.Listener, handler http.Handler, logger *slog.Logger) func(context.Context) error {
	server := newServer(handler, logger)
	return func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { _ = server.Close() })()
		return served(server, listener)
	}
}

// served returns when the server fails or is closed; the latter is not an error.
func served(server *http.Server, listener net.Listener) error {
	if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	}
	return nil
}
