//go:build !linux

package listen

import (
	"syscall"
	"time"
)

func sinceLastBytes(syscall.RawConn) time.Duration { return 0 }
