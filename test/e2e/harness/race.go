//go:build race

package harness

const (
	// Raced says that the tests, and with them the service, are built with the race detector.
	Raced = true
	// MemoryFactor is how many times the usual memory a test allows: the race detector multiplies it.
	MemoryFactor = 8
)
