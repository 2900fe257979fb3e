package listen

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Settings of a server that drains. They are not checked here: internal/config does.
type Settings struct {
	// Handler serves the calls. LongestCall is the most time that one of them takes.
	Handler     http.Handler
	LongestCall time.Duration
	// MaxConnections is the most connections open. Further ones wait to be accepted.
	MaxConnections int
	// Ready is set to false when the server is told to stop.
	Ready *atomic.Bool
	// Delay is the time from then on until it does not listen any more.
	Delay time.Duration
	// Timeout returns the time after that for everything else: calls in flight, and AfterCalls. It is asked when the server is told to stop.
	Timeout func() time.Duration
	// AfterCalls waits for what calls leave behind, such as losers. When Timeout is over nobody waits for it.
	AfterCalls func()
	Logger     *slog.Logger
}

// Draining returns what serves calls on listener until its context is done, and then drains: not ready, a delay, no new
// connections, the calls in flight. It is an error when calls are still in flight at the end.
func Draining(listener net.Listener, s Settings) func(context.Context) error {
	d := &draining{Settings: s, listener: LimitConnections(listener, s.MaxConnections, s.Logger)}
	d.server = NewServer(http.HandlerFunc(d.count), s.LongestCall, s.Logger)
	return d.serve
}

type draining struct {
	Settings

	listener net.Listener
	server   *http.Server
	calls    atomic.Int64 // in flight
}

func (d *draining) count(w http.ResponseWriter, r *http.Request) {
	d.calls.Add(1)
	defer d.calls.Add(-1)
	d.Handler.ServeHTTP(w, r)
}

func (d *draining) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- served(d.server, d.listener) }() // until drain
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	d.Ready.Store(false)
	timeout := d.Timeout()
	d.Logger.Info("stopping", "delay", d.Delay.String(), "timeout", timeout.String())
	time.Sleep(d.Delay)
	return d.drain(timeout)
}

// arrivalMargin is the time for requests that were on their way when the service stopped listening: from the beginning of
// Shutdown on, net/http closes a connection on which a request has just been read, and does not answer it.
const arrivalMargin = 500 * time.Millisecond

// drain ends within a time, whatever callers and AfterCalls do.
func (d *draining) drain(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_ = d.listener.Close()
	time.Sleep(min(arrivalMargin, timeout))
	// Its error is not ours: a connection that has not sent a request yet counts there too, for 5 s.
	_ = d.server.Shutdown(ctx)
	calls := d.calls.Load()
	_ = d.server.Close()
	if calls > 0 {
		return fmt.Errorf("calls still in flight after the shutdown timeout of %v: %d", timeout, calls)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); d.AfterCalls() }() // until then, or the end of the process
	select {
	case <-ended:
	case <-ctx.Done():
	}
	d.Logger.Info("stopped")
	return nil
}
