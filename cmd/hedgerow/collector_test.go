package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// percent is GOGC's value now.
func percent() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64()) //nolint:gosec // it was set as an int
}

// restored puts GOGC's value back after a test.
func restored(t *testing.T, now int) {
	t.Helper()
	before := debug.SetGCPercent(now)
	t.Cleanup(func() { debug.SetGCPercent(before) })
}

func TestTheCollectorIsLeftAloneWhereGOGCSaysSo(t *testing.T) {
	restored(t, 70)
	t.Setenv("GOGC", "70")
	relaxCollector(t.Context())
	runtime.GC()
	assert.Equal(t, 70, percent())
}

func TestASmallHeapGrowsToCollectorHeapOnceAServiceIsInUse(t *testing.T) {
	restored(t, 100)
	t.Setenv("GOGC", "")
	ctx, end := context.WithCancel(t.Context())
	defer end()
	relaxCollector(ctx)
	assert.Equal(t, collectorPercent, percent(), "until the first collection")

	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	require.Eventually(t, func() bool {
		runtime.GC()
		metrics.Read(goal)
		return goal[0].Value.Uint64() > collectorHeap*8/10
	}, time.Minute, time.Millisecond)
	assert.Greater(t, percent(), collectorPercent)
	assert.Less(t, goal[0].Value.Uint64(), uint64(collectorHeap)*12/10)

	held := make([]byte, 2*collectorHeap)
	require.Eventually(t, func() bool { runtime.GC(); return percent() == collectorPercent }, time.Minute, time.Millisecond)
	runtime.KeepAlive(held)
}

func TestTheHeapGrowsByCollectorPercentOrToCollectorHeap(t *testing.T) {
	for name, c := range map[string]struct {
		live, scanned uint64
		percent       int
	}{
		"nothing in use":                {0, 0, 1200},
		"a little, below Go's least":    {2 << 20, 2 << 20, 1200},
		"an eighth":                     {collectorHeap / 8, collectorHeap / 8, 700},
		"stacks and globals count":      {collectorHeap / 8, collectorHeap / 4, 350},
		"a third":                       {collectorHeap / 3, collectorHeap / 3, 200},
		"more than a third":             {collectorHeap / 2, collectorHeap / 2, 200},
		"all of it":                     {collectorHeap, collectorHeap, 200},
		"more than that, the rest is 0": {4 * collectorHeap, 4 * collectorHeap, 200},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.percent, relaxed(c.live, c.scanned)) })
	}
}
