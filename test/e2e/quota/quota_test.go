package quota

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hedgerow/test/e2e/redisserver"
)

const (
	warm     = 3 * time.Second // until what may come at once has come
	measured = 5 * time.Second
)

var first, smart = kind{"bounded", "first"}, kind{"bounded", "smart"}

func TestReplicasKeepToTheQuotaAndFirstAttemptsGoBeforeOthers(t *testing.T) {
	for name, environment := range map[string]func(t *testing.T) (int, []string){
		"one replica": func(*testing.T) (int, []string) { return 1, nil },
		"three replicas through Redis": func(t *testing.T) (int, []string) {
			return 3, []string{"HEDGEROW_REDIS_URL=" + redisserver.New(t).URL()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time it waits
			a := newAPI(t, 30*time.Millisecond)
			n, variables := environment(t)
			r := start(t, n, a, "attempts: 3, hedge: {delay: 10ms, budget: off}", variables...) // more attempts than the quota at any rate
			if n > 1 {
				r.await(t, "hedgerow_replicas", n)
			}
			for _, calls := range []int{50, 100, 200} {
				for name, kinds := range map[string][]kind{"first": {first}, "smart": {smart}, "mixed": {first, smart}} {
					t.Run(fmt.Sprintf("%d calls a second by %s", calls, name), func(t *testing.T) {
						try(t, func() error { return r.keepsQuota(t, a, calls, kinds) })
					})
				}
			}
		})
	}
}

// keepsQuota is what is wrong when so many calls a second are offered.
func (r *replicas) keepsQuota(t *testing.T, a *api, calls int, kinds []kind) error {
	t.Helper()
	all := r.offer(t, calls, warm+measured, kinds...)
	from := all[0].began.Add(warm)
	requests, offered := a.between(from, from.Add(measured)), all.since(warm)
	answered, refused := offered.with(http.StatusOK), offered.with(http.StatusServiceUnavailable)
	t.Logf("%d requests, %d calls answered and %d refused", requests, answered, refused)
	assert.Equal(t, len(offered), answered+refused)
	for _, x := range all {
		if x.status == http.StatusServiceUnavailable {
			seconds, err := strconv.Atoi(x.retryAfter)
			assert.True(t, err == nil && seconds >= 1, "Retry-After: %q", x.retryAfter)
		}
	}
	quota := perSecond * int(measured.Seconds())
	firsts := min(calls*int(measured.Seconds()), quota)
	switch {
	case requests < quota*95/100 || requests > quota*105/100:
		return fmt.Errorf("%d requests, not within 5 %% of %d", requests, quota)
	case answered < firsts*95/100:
		return fmt.Errorf("%d calls answered of %d whose first attempt the quota has room for", answered, firsts)
	}
	return nil
}
