package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheCollectorIsRelaxedUnlessGOGCSaysOtherwise(t *testing.T) {
	before := debug.SetGCPercent(70)
	t.Cleanup(func() { debug.SetGCPercent(before) })

	t.Setenv("GOGC", "70")
	relaxCollector()
	assert.Equal(t, 70, debug.SetGCPercent(70))

	t.Setenv("GOGC", "")
	relaxCollector()
	assert.Equal(t, collectorPercent, debug.SetGCPercent(before))
}
