package http

import (
	"strconv"
	"time"

	"hedgerow/internal/fanout"
)

// reports writes the attempts into the body of a problem.
func reports(attempts []fanout.Attempt) []AttemptReport {
	r := make([]AttemptReport, len(attempts))
	for i, a := range attempts {
		r[i] = AttemptReport{Outcome: string(a.Outcome), Duration: milliseconds(a.Duration), Reason: ReasonWords(a.Reason())}
	}
	return r
}

// refusals are the words for callers of the reasons why an attempt is not sent. The engine does not know what its source is.
var refusals = map[fanout.Kind]string{
	fanout.KindCap:      "too many attempts in flight",
	fanout.KindWait:     "the call has waited too long",
	fanout.KindPushback: "the upstream API asked to wait",
	fanout.KindBudget:   "hedge budget is used up",
	fanout.KindQuota:    "quota is used up",
}

// ReasonWords is a reason in words for callers, the log and the live page, empty without a reason.
func ReasonWords(r fanout.Reason) string {
	if text, ok := refusals[r.Kind]; ok {
		return text
	}
	return r.String()
}

// serverTiming writes the attempts into the header Server-Timing, which browsers show beside the answer:
// `attempt1;desc="won";dur=420, attempt2;desc="refused";dur=0;reason="hedge budget is used up"`. Those who read it ignore parameters that
// they do not know. No outcome and no reason of a refusal has a character that needs quoting.
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
		if a.Outcome == fanout.Refused {
			b = append(b, `;reason="`...)
			b = append(b, ReasonWords(a.Reason())...)
			b = append(b, '"')
		}
	}
	return string(b)
}

// summary writes the attempts into the log in a few words each: "failed 20ms (status 500), won 131.5ms".
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
		if reason := ReasonWords(a.Reason()); reason != "" {
			b = append(b, " ("+reason+")"...)
		}
	}
	return string(b)
}

// milliseconds is d in milliseconds, to a tenth.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond).Microseconds()) / 1000
}

func appendMilliseconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, milliseconds(d), 'f', -1, 64)
}
