package traces

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/metricstest"
)

const patience = 30 * time.Second

// api is what calls go to: fast, slow, failing, broken and silent, at random. It notes the parents that it is told.
type api struct {
	*httptest.Server

	mu      sync.Mutex
	allWell bool
	random  *rand.Rand
	parents map[string]string // traces by the span that is the parent
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{random: rand.New(rand.NewPCG(1, 2)), parents: map[string]string{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(func() { a.CloseClientConnections(); a.Close() })
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch n := a.note(r); {
	case n < 10:
	case n < 13:
		time.Sleep(20 * time.Millisecond) // a loser within its grace
	case n < 15:
		time.Sleep(200 * time.Millisecond) // a loser that is cut
	case n < 17:
		w.WriteHeader(http.StatusInternalServerError)
	case n < 18:
		panic(http.ErrAbortHandler)
	default:
		<-r.Context().Done()
		return
	}
	_, _ = fmt.Fprint(w, `{"time": 1}`)
}

// well has it answer every request at once from now on.
func (a *api) well() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.allWell = true
}

// note keeps what a request says of its trace, and draws a number below 20.
func (a *api) note(r *http.Request) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	var trace, parent []byte
	var flags int
	if n, err := fmt.Sscanf(r.Header.Get("Traceparent"), "00-%32x-%16x-%02x", &trace, &parent, &flags); err == nil && n == 3 && flags == 1 {
		a.parents[string(parent)] = string(trace)
	} else {
		a.parents["a request without a parent"] = r.Header.Get("Traceparent")
	}
	if a.allWell {
		return 0
	}
	return a.random.IntN(20)
}

// service is Hedgerow, traced.
type service struct {
	*harness.Hedgerow
	collector *collector
	api       *api
}

// start runs it with an API "shop" at two URLs and further variables.
func start(t *testing.T, environment ...string) *service {
	t.Helper()
	s := &service{collector: newCollector(t), api: newAPI(t)}
	file := filepath.Join(t.TempDir(), "apis.yaml")
	text := fmt.Sprintf(`apis: {shop: {urls: ["%s", "%s"], timeout: 300ms, hedge: {delay: 30ms}, routes: {"GET /orders/{id}": {attempts: 2}}}}`, s.api.URL, s.api.URL)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	s.Hedgerow = harness.Start(t, append([]string{
		"EXPONEA_URL=" + s.api.URL, "HEDGEROW_CONFIG=" + file, "HEDGEROW_LOSER_GRACE=50ms",
		"HEDGEROW_HEDGE_DELAY=30ms", "HEDGEROW_LOG_SAMPLE=0",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + s.collector.addr, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_BSP_SCHEDULE_DELAY=200",
	}, environment...)...)
	return s
}

// scrape waits until no attempt runs any more, and returns what the metrics say then.
func (s *service) scrape(t *testing.T) (scrape metricstest.Scrape) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		scrape, err = metricstest.Fetch(s.AdminAddr)
		return err == nil && scrape.Sum("hedgerow_attempts_in_flight")+scrape.Sum("hedgerow_proxy_attempts_in_flight") == 0
	}, patience, 20*time.Millisecond)
	return scrape
}

// traceparent is a caller's.
func traceparent(trace [16]byte, parent [8]byte) string {
	return "00-" + hex.EncodeToString(trace[:]) + "-" + hex.EncodeToString(parent[:]) + "-01"
}
