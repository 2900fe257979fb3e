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
// It listens without MPTCP, Go's default: with MPTCP the kernel would know when a request came (Connection.Arrival) for the first path
// only.
func Open(ctx context.Context, setting, addr string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	listener, err := config.Listen(ctx, "tcp", addr)
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		err = operation.Err // the outer error says the same again
	}
	if err != nil {
		return nil, fmt.Errorf("%s: cannot listen on %s: %w", setting, addr, err)
	}
	return listener, nil
}
