package main

import (
	"os"
	"runtime/debug"
)

// collectorPercent is how much the heap may grow between two garbage collections, in per cent of what is in use. Go's own default is
// 100. With thousands of goroutines a collection takes both cores of a small machine for a tenth of a second, and every deadline in it
// is missed by as much. Half as many collections are worth a third more memory.
const collectorPercent = 200

// relaxCollector sets collectorPercent, unless the environment variable GOGC says otherwise.
func relaxCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
}
