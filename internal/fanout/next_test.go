package fanout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

func TestAResultThatIsReadyComesBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 { // what is left to chance does not keep a promise twenty times
			s := newScript(succeeds(10*ms, 1), succeeds(20*ms, 2), succeeds(hangs, 3))
			service := fanout.New[int](s.settings())
			_, err := service.Do(t.Context(), s.plan(100*ms, func(c *fanout.Call[int]) ([]int, error) {
				require.NoError(t, c.Fire(3))
				time.Sleep(time.Second) // a consumer that is held up until its deadline is long past
				for _, want := range []int{1, 2} {
					r, err := c.Next()
					require.NoError(t, err)
					assert.Equal(t, want, r.Value)
				}
				_, err := c.Next()
				return nil, err
			}))
			assert.Equal(t, fanout.ErrTimedOut, err)
			service.Wait()
		}
	})
}
