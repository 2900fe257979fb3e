package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The heap grows by collectorPercent between two garbage collections, in per cent of what is in use, and up to collectorHeap bytes in any
// case. Go's own defaults are 100 % and 4 MiB. With thousands of goroutines a collection takes both cores of a small machine for a tenth of
// a second, and every deadline in it is missed by as much. With few there are many collections, since little is in use.
const (
	collectorPercent = 200
	collectorHeap    = 48 << 20
)

// smallestHeap is up to where Go lets a heap grow whatever is in use, in bytes, with a GOGC of 100; with another it is as much in proportion.
const smallestHeap = 4 << 20

// relaxCollector has garbage collected that seldom until ctx is done, unless the environment variable GOGC says how often. A service that
// nobody calls stays small: until the first collection the heap grows to 8 MiB only.
func relaxCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(collectorPercent)
	afterCollection(ctx, func() {
		if percent := relaxed(inUse()); changed(percent) {
			debug.SetGCPercent(percent)
		}
	})
}

// afterCollection calls f after each collection. Nobody holds the object with the cleanup, so the next collection finds it.
func afterCollection(ctx context.Context, f func()) {
	runtime.AddCleanup(new(*byte), func(struct{}) {
		if ctx.Err() == nil {
			f()
			afterCollection(ctx, f)
		}
	}, struct{}{})
}

// relaxed is GOGC's value with which the next collection begins at collectorHeap bytes, collectorPercent at least. live is what the heap
// holds, scanned is that and what else a collection goes through: see "GOGC" in https://go.dev/doc/gc-guide.
func relaxed(live, scanned uint64) int {
	if live >= collectorHeap {
		return collectorPercent
	}
	percent := min((collectorHeap-live)*100/max(scanned, 1), collectorHeap*100/smallestHeap)
	return max(collectorPercent, int(percent))
}

// inUse is what the last collection has found, in bytes.
func inUse() (live, scanned uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	live = samples[0].Value.Uint64()
	return live, live + samples[1].Value.Uint64() + samples[2].Value.Uint64()
}

// changed is true when a value differs by over a tenth from that of GOGC now: to set it stops every goroutine for a moment.
func changed(percent int) bool {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	now := int(sample[0].Value.Uint64()) //nolint:gosec // it was set as an int
	return percent > now+now/10 || percent < now-now/10
}
