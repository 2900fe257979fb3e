package main

import (
	"fmt"
	"runtime"
)

// version is stamped in by the linker: -ldflags "-X main.version=v1.2.3".
var version = "dev"

func versionLine() string {
	return fmt.Sprintf("hedgerow %s %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
