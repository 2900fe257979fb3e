package traces

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"hedgerow/internal/config/otel"
	"hedgerow/test/logtest"
)

// collector answers requests as scripted; the last answer goes on for ever. It is an http.RoundTripper.
type collector struct {
	script []func(ctx context.Context) (*http.Response, error)
	began  time.Time

	mu    sync.Mutex
	times []time.Duration // when it was asked, since it began
	last  *http.Request
}

func newCollector(script ...func(ctx context.Context) (*http.Response, error)) *collector {
	return &collector{script: script, began: time.Now()}
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.times = append(c.times, time.Since(c.began))
	c.last = r
	answer := c.script[min(len(c.times), len(c.script))-1]
	c.mu.Unlock()
	return answer(r.Context())
}

// asked is when the collector has been asked so far.
func (c *collector) asked() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.times)
}

func answers(status int, body string, retryAfter ...string) func(context.Context) (*http.Response, error) {
	return func(context.Context) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Retry-After": retryAfter, "Location": {"http://elsewhere/"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))),
		}, nil
	}
}

func breaks(context.Context) (*http.Response, error) { return nil, errors.New("connection refused") }

func stalls(ctx context.Context) (*http.Response, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// told is what whoever wants to know is told.
type told struct {
	mu       sync.Mutex
	exported int
	lost     map[Loss]int
	log      logtest.Log
}

// taken are the spans that the collector has taken so far.
func (t *told) taken() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.exported
}

// losses are the spans lost so far.
func (t *told) losses() map[Loss]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.lost)
}

// settings are those of a test, whose observer is told.
func settings(t *testing.T, told *told) Settings {
	t.Helper()
	endpoint, err := url.Parse("http://collector/v1/traces?key=s3cret")
	require.NoError(t, err)
	told.lost = map[Loss]int{}
	return Settings{
		Traces: otel.Traces{
			Endpoint: endpoint, Headers: http.Header{"Api-Key": {"s3cret"}}, Timeout: 10 * time.Second,
			Sampler: otel.Sampler{Ratio: 1, ByParent: true}, Propagate: true, Queue: 8, Batch: 4, Delay: time.Second,
		},
		Version: "test", Logger: slog.New(slog.NewJSONHandler(&told.log, nil)),
		ObserveExported: func(spans int) {
			told.mu.Lock()
			defer told.mu.Unlock()
			told.exported += spans
		},
		ObserveLost: func(reason Loss, spans int) {
			told.mu.Lock()
			defer told.mu.Unlock()
			told.lost[reason] += spans
		},
	}
}

// exporting is an exporter to a scripted collector.
type exporting struct {
	*exporter
	*collector
	told told
}

func newExporting(t *testing.T, script ...func(context.Context) (*http.Response, error)) *exporting {
	t.Helper()
	e := &exporting{collector: newCollector(script...)}
	s := settings(t, &e.told)
	e.exporter = newExporter(s, newQueue(s))
	e.client.Transport = e.collector
	return e
}

// export sends three spans.
func (e *exporting) export(t *testing.T) {
	t.Helper()
	spans := tracetest.SpanStubs{{Name: "a"}, {Name: "b"}, {Name: "c"}}.Snapshots()
	require.NoError(t, e.ExportSpans(t.Context(), spans))
}

var _ sdk.SpanExporter = (*exporter)(nil)

func TestWhatMaySucceedLaterIsSentAgain(t *testing.T) {
	busy := answers(http.StatusServiceUnavailable, "")
	for name, first := range map[string]func(context.Context) (*http.Response, error){
		"429": answers(http.StatusTooManyRequests, ""), "502": answers(http.StatusBadGateway, ""), "503": busy,
		"504": answers(http.StatusGatewayTimeout, ""), "network": breaks,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporting(t, first, first, first, answers(http.StatusOK, ""))
			e.export(t)
			assert.Equal(t, 3, e.told.taken(), name)
			assert.Empty(t, e.told.losses(), name)
			require.Len(t, e.asked(), 4)
			for i, pause := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
				assert.InDelta(t, pause, e.asked()[i+1]-e.asked()[i], float64(pause/4), "%s: each pause is twice the one before, a quarter more or less", name)
			}
		})
	}
}

func TestWhatWillNotSucceedIsSentOnceAndLost(t *testing.T) {
	for _, status := range []int{300, 307, 400, 401, 404, 413, 500, 501} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporting(t, answers(status, "what is wrong: s3cret"))
			e.export(t)
			assert.Equal(t, map[Loss]int{ExportFailed: 3}, e.told.losses(), status)
			assert.Len(t, e.asked(), 1, status)
			line := e.told.log.Lines("msg", "spans are lost")
			require.Len(t, line, 1)
			assert.InDelta(t, 3, line[0]["spans"], 0)
			assert.Contains(t, line[0]["error"], "the collector answers with status ")
			assert.NotContains(t, e.told.log.String(), "s3cret")
		})
	}
}

func TestACollectorThatStallsOrIsGoneIsGivenUpAtTheTimeout(t *testing.T) {
	for name, what := range map[string]func(context.Context) (*http.Response, error){"stalls": stalls, "gone": breaks} {
		synctest.Test(t, func(t *testing.T) {
			e := newExporting(t, what)
			e.export(t)
			assert.LessOrEqual(t, time.Since(e.began), 10*time.Second, name)
			assert.Greater(t, time.Since(e.began), 3*time.Second, name)
			assert.Equal(t, map[Loss]int{ExportFailed: 3}, e.told.losses(), name)
			assert.NotContains(t, e.told.log.String(), "s3cret", name)
		})
	}
}

func TestACollectorThatAsksForTimeGetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporting(t, answers(http.StatusTooManyRequests, "", "3"), answers(http.StatusOK, ""))
		e.export(t)
		assert.Equal(t, []time.Duration{0, 3 * time.Second}, e.asked())
		assert.Equal(t, 3, e.told.taken())
	})
	synctest.Test(t, func(t *testing.T) {
		e := newExporting(t, answers(http.StatusServiceUnavailable, "", "30"), answers(http.StatusOK, ""))
		e.export(t)
		assert.Equal(t, map[Loss]int{ExportFailed: 3}, e.told.losses(), "30 s are more than the timeout")
		assert.Zero(t, time.Since(e.began), "which nobody has to wait for")
		e.export(t)
		assert.Equal(t, map[Loss]int{ExportFailed: 6}, e.told.losses())
		assert.Len(t, e.asked(), 1, "nor is another batch sent")
		time.Sleep(25 * time.Second)
		e.export(t)
		assert.Equal(t, []time.Duration{0, 30 * time.Second}, e.asked())
		assert.Equal(t, 3, e.told.taken())
	})
}

func TestAHandshakeThatStallsHoldsNoConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	var told told
	s := settings(t, &told)
	s.Endpoint, s.Timeout = &url.URL{Scheme: "https", Host: listener.Addr().String()}, 50*time.Millisecond
	e := newExporter(s, newQueue(s))
	require.NoError(t, e.ExportSpans(t.Context(), tracetest.SpanStubs{{Name: "a"}}.Snapshots()))
	assert.Equal(t, map[Loss]int{ExportFailed: 1}, told.losses())
	conn, err := listener.Accept()
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.Copy(io.Discard, conn) // reads the greeting, then the end
	assert.NoError(t, err)
}

func TestRetryAfterIsSecondsOrADateAndAMinuteAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for text, want := range map[string]time.Duration{
			"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "61": time.Minute, "99999999999999": time.Minute, "soon": 0,
			time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat): 9 * time.Second,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):      0,
			time.Now().Add(time.Hour).UTC().Format(http.TimeFormat):       time.Minute,
		} {
			assert.Equal(t, want, retryAfter(text), text)
		}
	})
}

func TestSpansThatTheCollectorRejectsAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporting(t, answers(http.StatusOK, "\x0a\x09\x08\x02\x12\x05s3cre"))
		e.export(t)
		assert.Equal(t, map[Loss]int{Rejected: 2}, e.told.losses())
		assert.Equal(t, 1, e.told.taken())
		assert.NotContains(t, e.told.log.String(), "s3cre")
	})
}
