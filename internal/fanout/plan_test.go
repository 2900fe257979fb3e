package fanout_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestEachCallMakesItsAttemptsWithItsOwnSource(t *testing.T) {
	service := fanout.New[int](fanout.Settings{MaxInFlight: 4})
	for value := range 2 {
		source := func(context.Context, fanout.Attempt) (int, error) { return value, nil }
		answer, err := service.Do(t.Context(), fanout.Plan[int]{
			Source: source, Strategy: fanout.All[int], Arrival: time.Now(), Timeout: time.Minute, Producers: 2,
		})
		require.NoError(t, err)
		assert.Equal(t, []int{value, value}, answer.Values)
	}
}

func TestTheObserverGetsEachAttemptWithTheContextOfItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(ms, 1), fails(0), succeeds(2*ms, 3))
		settings := s.settings()
		settings.MaxInFlight = 3
		var mu sync.Mutex
		observed := map[context.Context][]fanout.Outcome{}
		settings.Observe = func(ctx context.Context, a fanout.Attempt) {
			mu.Lock()
			defer mu.Unlock()
			observed[ctx] = append(observed[ctx], a.Outcome)
		}
		service := fanout.New[int](settings)
		made, leave := context.WithCancel(t.Context())
		_, err := service.Do(made, s.plan(time.Second, fanout.First))
		require.NoError(t, err)
		leave() // what is done by then is still the context of the call's losers
		refused := t.Context()
		_, err = service.Do(refused, s.plan(time.Second, fanout.First))
		require.ErrorIs(t, err, fanout.ErrRefused)
		service.Wait()
		assert.Equal(t, map[context.Context][]fanout.Outcome{
			made:    outcomes(fanout.Failed, fanout.Won, fanout.Late),
			refused: outcomes(fanout.Refused, fanout.Refused, fanout.Refused),
		}, observed)
	})
}
