//go:build !linux

package http

import (
	"syscall"
	"time"
)

func sinceLastBytes(syscall.RawConn) time.Duration { return 0 }
