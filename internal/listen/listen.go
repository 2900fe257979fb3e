// Package listen is everything between a socket and a handler: listeners and their limit, the clock of a request's arrival, servers
// that run and stop together, the drain, and the signals.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Open listens on addr. The error names the setting that gave the address.
//
// It listens without MPTCP, which is Go's default: of the time since a request came (Connection.Arrival) the kernel knows the first
// path's only.
func Open(ctx context.Context, setting, addr string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	listener, err := config.Listen(ctx, "tcp", addr)
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		err = operation.Err // without the words that say the same again
	}
	if err != nil {
		return nil, fmt.Errorf("%s: cannot listen on %s: %w", setting, addr, err)
	}
	return listener, nil
}
