//go:build race

package harness

// Raced says that the tests, and with them the service, are built with the race detector. It multiplies the memory that they take.
const Raced = true
