// Package quota tests that one replica, and three together, keep to an API's quota whatever becomes of the Redis that they share it
// through. It needs redis-server.
package quota

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/metricstest"
)

func TestMain(m *testing.M) { harness.Main(m) }

// perSecond is the quota.
const perSecond = 100

// api counts the requests that it gets.
type api struct {
	*httptest.Server

	mu  sync.Mutex
	got []time.Time
}

// newAPI returns an API that takes a while for each answer.
func newAPI(t *testing.T, takes time.Duration) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		a.got = append(a.got, time.Now())
		a.mu.Unlock()
		time.Sleep(takes)
		_, _ = w.Write([]byte("well"))
	}))
	t.Cleanup(a.Close)
	return a
}

// between is how many requests came in a time.
func (a *api) between(from, to time.Time) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, at := range a.got {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// replicas are those of a deployment in front of an API.
type replicas struct {
	all    []*harness.Hedgerow
	client *http.Client
}

// start starts n replicas with two APIs that say the same, but that "bounded" has the quota and "free" has none.
func start(t *testing.T, n int, a *api, settings string, environment ...string) *replicas {
	t.Helper()
	file := filepath.Join(t.TempDir(), "apis.yaml")
	text := fmt.Sprintf("defaults: {timeout: 1s, %s}\napis: {bounded: {url: %q, quota: %d/s}, free: {url: %q}}", settings, a.URL, perSecond, a.URL)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	r := &replicas{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}}
	for range n {
		r.all = append(r.all, harness.Start(t, append(environment, "HEDGEROW_CONFIG="+file, "EXPONEA_URL=http://127.0.0.1:9/")...))
	}
	t.Cleanup(r.client.CloseIdleConnections)
	return r
}

// await waits until a metric has a value at each replica.
func (r *replicas) await(t *testing.T, metric string, value int) {
	t.Helper()
	for _, h := range r.all {
		require.Eventually(t, func() bool {
			return int(metricstest.Get(t, h.AdminAddr).Sum(metric)) == value
		}, 30*time.Second, 20*time.Millisecond, "%s of %s", metric, h.Addr)
	}
}

// kind is an API and a strategy.
type kind struct{ api, strategy string }

// answer is what became of a call.
type answer struct {
	kind

	began      time.Time
	took       time.Duration
	status     int
	retryAfter string
}

// answers are those of calls that were offered for a time.
type answers []answer

// offer makes so many calls a second at regular times, of the kinds in turn and at the replicas in turn, and waits for their answers.
func (r *replicas) offer(t *testing.T, calls int, lasting time.Duration, kinds ...kind) answers {
	t.Helper()
	all := make(answers, int(lasting.Seconds()*float64(calls)))
	began := time.Now()
	var callers sync.WaitGroup
	for i := range all {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(calls))))
		callers.Go(func() {
			kind, replica := kinds[i%len(kinds)], r.all[i/len(kinds)%len(r.all)]
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, replica.URL()+"/proxy/"+kind.api+"/x", nil)
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("Hedgerow-Strategy", kind.strategy)
			sent := time.Now()
			response, err := r.client.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
			all[i] = answer{kind, sent, time.Since(sent), response.StatusCode, response.Header.Get("Retry-After")}
		})
	}
	callers.Wait()
	return all
}

// since are the answers of the calls that began after a while.
func (a answers) since(skip time.Duration) answers {
	from := a[0].began.Add(skip)
	return slices.DeleteFunc(slices.Clone(a), func(x answer) bool { return x.began.Before(from) })
}

// at are the answers of an API.
func (a answers) at(api string) answers {
	return slices.DeleteFunc(slices.Clone(a), func(x answer) bool { return x.api != api })
}

// with is how many of the answers have a status.
func (a answers) with(status int) (n int) {
	for _, x := range a {
		if x.status == status {
			n++
		}
	}
	return n
}

// p99 is the time that 99 of 100 calls took at most.
func (a answers) p99() time.Duration {
	took := make([]time.Duration, len(a))
	for i, x := range a {
		took[i] = x.took
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// tries is how often something is tried that a hiccup of the machine may spoil.
const tries = 5

// try tries something until it is as it must be, which says what is wrong otherwise.
func try(t *testing.T, once func() error) {
	t.Helper()
	var errs []error
	for range tries {
		err := once()
		if err == nil {
			return
		}
		errs = append(errs, err)
	}
	require.Empty(t, errs, "every time")
}
