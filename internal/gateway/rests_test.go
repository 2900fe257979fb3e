package gateway_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/internal/gateway"
)

func TestTheTimeThatAURLAsksForCanBePassedOnToAnotherGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type rest struct {
			api string
			url int
			time.Duration
		}
		var told []rest
		gates := make([]*gate, 2)
		for i := range gates {
			gates[i] = &gate{gateway.New(parse(t, mirrored("hedge: {delay: 100ms}")), gateway.Settings{
				LoserGrace: grace, MaxInFlight: 100, Logger: slog.New(slog.DiscardHandler),
				PushedBack: func(api string, url int, d time.Duration) { told = append(told, rest{api, url, d}) },
			}), gateway.NewBuffer(1 << 20), nil}
		}
		one, other := gates[0], gates[1]
		steps := []step{{after: hangs}, asks("7"), {after: ms, status: 200}}
		one.follow("a", newScript(func(made sending) step { return steps[made.url] }))
		_, err := one.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, []rest{{"a", 1, 7 * time.Second}}, told)

		for _, r := range []rest{{"nobody", 0, time.Second}, {"a", -1, time.Second}, {"a", 3, time.Second}, told[0]} {
			other.PushBack(r.api, r.url, r.Duration)
		}
		s := newScript(func(made sending) step {
			return []step{{after: hangs}, {after: ms, status: 200}, {after: ms, status: 200}}[made.url]
		})
		other.follow("a", s)
		result, err := other.call(t, "a", "GET", "/x")
		require.NoError(t, err)
		assert.Equal(t, []int{0, 2}, s.order(), "the second URL is left alone")
		assert.Equal(t, fanout.KindPushback, result.Attempts[1].Reason().Kind)
		assert.Len(t, told, 1, "who is told does not tell")
		one.Close()
		other.Close()
	})
}
