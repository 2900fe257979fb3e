package logs

import "math/rand/v2"

// Sample returns what is true for a share of the times that it is called, from 0 to 1, at random. It is nil for 1: nobody has to ask.
// It is safe for concurrent use.
func Sample(share float64) func() bool {
	if share >= 1 {
		return nil
	}
	return func() bool { return rand.Float64() < share }
}
