package fanout_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

// chronicle is a watcher that writes down what it is told, and when.
type chronicle struct {
	began time.Time

	mu    sync.Mutex
	lines []string
}

func (d *chronicle) write(what string, a fanout.Attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := time.Since(d.began).Round(ms)
	d.lines = append(d.lines, fmt.Sprintf("%v: attempt %d at place %d %s %s", at, a.Number, a.Place, what, a.Outcome))
}

func (d *chronicle) Fired(a fanout.Attempt) { d.write("is fired,", a) }
func (d *chronicle) Ended(a fanout.Attempt) { d.write("has ended,", a) }

func TestAWatcherIsToldOfEachAttemptAsItIsFiredAndAsItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(hangs, 1), succeeds(100*ms, 2), fails(120*ms))
		settings := s.settings()
		settings.Places = 2
		service := fanout.New[int](settings)
		told := &chronicle{began: time.Now()}
		plan := s.plan(time.Second, fanout.Smart)
		plan.Watcher, plan.Place = told, func(number int) int { return number % 2 }
		answer, err := service.Do(t.Context(), plan)
		require.NoError(t, err)
		assert.Equal(t, 1, answer.Attempts[1].Place)
		service.Wait()
		assert.Equal(t, []string{
			"0s: attempt 0 at place 0 is fired, running",
			"300ms: attempt 1 at place 1 is fired, running",
			"300ms: attempt 2 at place 0 is fired, running",
			"400ms: attempt 1 at place 1 has ended, won",
			"420ms: attempt 2 at place 0 has ended, failed",
			"650ms: attempt 0 at place 0 has ended, cancelled",
		}, told.lines)
	})
}

func TestAWatcherIsToldOfAnAttemptThatIsRefusedAndNotThatItWasFired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(succeeds(350*ms, 1))
		settings := s.settings()
		settings.MaxInFlight = 1
		told := &chronicle{began: time.Now()}
		plan := s.plan(time.Second, fanout.Smart)
		plan.Watcher = told
		_, err := fanout.New[int](settings).Do(t.Context(), plan)
		require.NoError(t, err)
		assert.Equal(t, []string{
			"0s: attempt 0 at place 0 is fired, running",
			"300ms: attempt 1 at place 0 has ended, refused",
			"300ms: attempt 2 at place 0 has ended, refused",
			"350ms: attempt 0 at place 0 has ended, won",
		}, told.lines)
	})
}
