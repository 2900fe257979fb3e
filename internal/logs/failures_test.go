package logs

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

// failures is a Failures whose lines a test reads.
type failures struct {
	*Failures
	text *bytes.Buffer
}

func newFailures(level slog.Level) failures {
	var text bytes.Buffer
	return failures{NewFailures(slog.New(slog.NewJSONHandler(&text, &slog.HandlerOptions{Level: level}))), &text}
}

// lines returns what was logged since the last time, without the time of each line.
func (f failures) lines(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(f.text.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		delete(fields, "time")
		all = append(all, fields)
	}
	f.text.Reset()
	return all
}

func failed(kind fanout.Kind, cause string) fanout.Attempt {
	return fanout.Attempt{Outcome: fanout.Failed, Err: &fanout.Failure{Reason: fanout.Reason{Kind: kind}, Err: errors.New(cause)}}
}

func warning(reason, cause string, unlogged float64) map[string]any {
	return map[string]any{
		"level": "WARN", "msg": "attempts fail", "reason": reason, "error": reason + ": " + cause, "unlogged": unlogged,
	}
}

func TestAFailureIsLoggedOncePerReasonAndMinuteWithTheNumberOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures(slog.LevelInfo)
		for range 1000 {
			f.Observe(failed("TLS failure", "certificate has expired"))
		}
		f.Observe(failed("connection refused", "dial tcp 192.0.2.1:443"))
		assert.Equal(t, []map[string]any{
			warning("TLS failure", "certificate has expired", 0), warning("connection refused", "dial tcp 192.0.2.1:443", 0),
		}, f.lines(t))

		time.Sleep(time.Minute - 1)
		f.Observe(failed("TLS failure", "still"))
		assert.Empty(t, f.lines(t))
		time.Sleep(time.Nanosecond)
		f.Observe(failed("TLS failure", "now"))
		f.Observe(failed("TLS failure", "no more"))
		assert.Equal(t, []map[string]any{warning("TLS failure", "now", 1000)}, f.lines(t))

		time.Sleep(time.Hour)
		f.Observe(failed("TLS failure", "later"))
		assert.Equal(t, []map[string]any{warning("TLS failure", "later", 1)}, f.lines(t))
	})
}

func TestAPanicIsLoggedWithItsStackOncePerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures(slog.LevelInfo)
		panicked := fanout.Attempt{Outcome: fanout.Failed, Err: &fanout.PanicError{Value: "boom", Stack: []byte("at source.go")}}
		line := map[string]any{"level": "ERROR", "msg": "panic in an attempt", "panic": "boom", "stack": "at source.go", "unlogged": 0.0}
		for range 10 {
			f.Observe(panicked)
		}
		assert.Equal(t, []map[string]any{line}, f.lines(t))
		time.Sleep(time.Minute)
		f.Observe(panicked)
		line["unlogged"] = 9.0
		assert.Equal(t, []map[string]any{line}, f.lines(t))
	})
}

func TestWhatIsNotAFailureIsNotLogged(t *testing.T) {
	f := newFailures(slog.LevelDebug)
	for _, outcome := range []fanout.Outcome{
		fanout.Won, fanout.Late, fanout.TimedOut, fanout.Cancelled, fanout.Abandoned, fanout.Refused,
	} {
		f.Observe(fanout.Attempt{Outcome: outcome})
	}
	f.Observe(fanout.Attempt{Outcome: fanout.Refused, Err: &fanout.Failure{Reason: fanout.Reason{Kind: fanout.KindPushback}}})
	assert.Empty(t, f.lines(t))
}

func TestAtTheLevelDebugEachFailureIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures(slog.LevelDebug)
		for range 3 {
			f.Observe(failed("invalid body", "no member time"))
		}
		count := map[any]int{}
		for _, line := range f.lines(t) {
			assert.Equal(t, "invalid body: no member time", line["error"])
			count[line["level"]]++
		}
		assert.Equal(t, map[any]int{"DEBUG": 3, "WARN": 1}, count)
	})
}

func TestFailuresOfManyCallsAtOnceAreAllCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailures(slog.LevelInfo)
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				for range 100 {
					f.Observe(failed("connection reset", "by peer"))
				}
			})
		}
		calls.Wait()
		assert.Len(t, f.lines(t), 1)
		time.Sleep(time.Minute)
		f.Observe(failed("connection reset", "by peer"))
		assert.Equal(t, []map[string]any{warning("connection reset", "by peer", 4999)}, f.lines(t))
	})
}

func TestReservedFailuresShowNothingOfAnAnswer(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		f := newFailures(level)
		f.Failures = NewReservedFailures(f.logger)
		f.Observe(failed("invalid response", `malformed HTTP response "s3cret"`))
		dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		f.Observe(fanout.Attempt{Outcome: fanout.Failed, Err: &fanout.Failure{
			Reason: fanout.Reason{Kind: "connection refused"}, Err: fmt.Errorf("s3cret: %w", dial),
		}})
		f.Observe(fanout.Attempt{Outcome: fanout.Failed, Err: &fanout.Failure{
			Reason: fanout.Reason{Kind: "TLS failure"}, Err: fmt.Errorf("s3cret: %w", tls.RecordHeaderError{Msg: "no handshake"}),
		}})
		assert.NotContains(t, f.text.String(), "s3cret")
		lines := f.lines(t)
		assert.Contains(t, lines, map[string]any{
			"level": "WARN", "msg": "attempts fail", "reason": "invalid response", "error": "invalid response", "unlogged": 0.,
		})
		assert.Contains(t, lines, warning("connection refused", "dial tcp: connection refused", 0))
		assert.Contains(t, lines, warning("TLS failure", "tls: no handshake", 0), "such as when an https URL names a server that speaks http")
	}
}
