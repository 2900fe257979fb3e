package http

import (
	"strconv"
	"time"

	"hedgerow/internal/fanout"
)

// reports tells of attempts in the body of a problem.
func reports(attempts []fanout.Attempt) []AttemptReport {
	r := make([]AttemptReport, len(attempts))
	for i, a := range attempts {
		r[i] = AttemptReport{Outcome: string(a.Outcome), Duration: milliseconds(a.Duration), Reason: a.Reason()}
	}
	return r
}

// serverTiming tells of attempts in the header Server-Timing, which browsers show beside the answer:
// `attempt1;desc="failed";dur=20, attempt2;desc="won";dur=131.5`. Outcomes have no character that would need quoting.
func serverTiming(attempts []fanout.Attempt) string {
	b := make([]byte, 0, 40*len(attempts))
	for i, a := range attempts {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, "attempt"...)
		b = strconv.AppendInt(b, int64(a.Number)+1, 10)
		b = append(b, `;desc="`...)
		b = append(b, a.Outcome...)
		b = append(b, `";dur=`...)
		b = appendMilliseconds(b, a.Duration)
	}
	return string(b)
}

// summary tells of attempts in the log in a few words each: "failed 20ms (status 500), won 131.5ms".
func summary(attempts []fanout.Attempt) string {
	b := make([]byte, 0, 32*len(attempts))
	for i, a := range attempts {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, a.Outcome...)
		b = append(b, ' ')
		b = appendMilliseconds(b, a.Duration)
		b = append(b, "ms"...)
		if reason := a.Reason(); reason != "" {
			b = append(b, " ("+reason+")"...)
		}
	}
	return string(b)
}

// milliseconds are those of d to a tenth.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond).Microseconds()) / 1000
}

func appendMilliseconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, milliseconds(d), 'f', -1, 64)
}
