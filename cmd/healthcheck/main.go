// Command healthcheck asks the service in its container whether it is ready, and ends with code 0 when it is. It is what
// `hedgerow healthcheck` is, for a quarter of the processor time: it has none of the service's packages, whose initialisation is most
// of what a start takes.
//
//	healthcheck [ADDR [PATH]]
//
// ADDR is where to ask, such as :5002. Without it, it is HEDGEROW_ADMIN_ADDR, 127.0.0.1:5001 when that is not set, and HEDGEROW_ADDR when
// that is empty. PATH is /readyz when it is not given.
package main

import (
	"os"
	"time"

	"hedgerow/internal/probe"
)

const timeout = 2 * time.Second

func main() {
	addr, path := address(), "/readyz"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	if len(os.Args) > 2 {
		path = os.Args[2]
	}
	if err := probe.Ask(addr, path, timeout); err != nil {
		_, _ = os.Stderr.WriteString("healthcheck: " + err.Error() + "\n")
		os.Exit(1)
	}
}

// address is where the service's settings say that it answers probes.
func address() string {
	admin, set := os.LookupEnv("HEDGEROW_ADMIN_ADDR")
	switch addr := os.Getenv("HEDGEROW_ADDR"); {
	case !set:
		return "127.0.0.1:5001"
	case admin != "":
		return admin
	case addr != "":
		return addr
	default:
		return ":5000"
	}
}
