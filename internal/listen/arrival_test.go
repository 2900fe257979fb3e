package listen

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTheClockStartsWhenTheKernelSaysButAllowsForItsCoarseness(t *testing.T) {
	const ms = time.Millisecond
	now := time.Now()
	for name, test := range map[string]struct {
		silence  time.Duration
		answered time.Time // the request before; zero without one
		waited   time.Duration
	}{
		"nothing is known":                            {0, time.Time{}, 0},
		"within the coarseness":                       {9 * ms, time.Time{}, 0},
		"just the coarseness":                         {10 * ms, time.Time{}, 0},
		"a tick over it":                              {11 * ms, time.Time{}, ms},
		"long":                                        {400 * ms, time.Time{}, 390 * ms},
		"since before the last answer":                {400 * ms, now.Add(-100 * ms), 100 * ms},
		"since after the last answer":                 {400 * ms, now.Add(-500 * ms), 390 * ms},
		"since the last answer, to the nanosecond":    {400 * ms, now.Add(-390 * ms), 390 * ms},
		"the last answer was given at this very time": {400 * ms, now, 0},
	} {
		arrival, waited := (&Connection{answered: test.answered}).arrived(now, test.silence)
		assert.Equal(t, test.waited, waited, name)
		assert.True(t, arrival.Equal(now.Add(-test.waited)), name)
	}
}
