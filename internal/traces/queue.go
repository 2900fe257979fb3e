package traces

import (
	"log/slog"
	"sync"
	"sync/atomic"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"hedgerow/internal/logs"
)

// Loss is why spans are lost.
type Loss string

// The reasons.
const (
	// QueueFull: too many spans were waiting for the collector.
	QueueFull Loss = "queue full"
	// ExportFailed: the collector has not taken them in time, or will not.
	ExportFailed Loss = "export failed"
	// Rejected: the collector took the request and not these spans of it.
	Rejected Loss = "rejected"
	// Unsent: they were waiting when the process ended.
	Unsent Loss = "end"
)

// Losses returns all reasons.
func Losses() []Loss { return []Loss{QueueFull, ExportFailed, Rejected, Unsent} }

// queue counts the spans that wait for the collector, those being sent included, and those lost. The SDK keeps the spans themselves and
// does not tell which it drops. It is safe for concurrent use.
type queue struct {
	limit   int64
	waiting atomic.Int64
	logger  *slog.Logger
	observe func(Loss, int)
	untold  map[Loss]*untold // nobody writes to it
}

// untold are the spans lost for a reason that the log does not know of.
type untold struct {
	limit logs.Limit
	mu    sync.Mutex
	spans int
}

func newQueue(s Settings) *queue {
	q := &queue{limit: int64(s.Queue), logger: s.Logger, observe: s.ObserveLost, untold: map[Loss]*untold{}}
	for _, reason := range Losses() {
		q.untold[reason] = &untold{}
	}
	return q
}

// enter makes room for a span. Without any it counts it as lost.
func (q *queue) enter() bool {
	if q.waiting.Add(1) > q.limit {
		q.waiting.Add(-1)
		q.lose(QueueFull, 1, nil)
		return false
	}
	return true
}

// leave tells that spans wait no longer, whatever became of them.
func (q *queue) leave(spans int) { q.waiting.Add(int64(-spans)) }

// lose counts spans that are lost. err is why, and may be nil.
func (q *queue) lose(reason Loss, spans int, err error) {
	q.observe(reason, spans)
	u := q.untold[reason]
	u.mu.Lock()
	defer u.mu.Unlock()
	u.spans += spans
	if _, due := u.limit.Due(); due {
		q.tell(reason, u, err)
	}
}

// tell has the log know. The caller holds u.mu.
func (q *queue) tell(reason Loss, u *untold, err error) {
	attributes := []any{"reason", string(reason), "spans", u.spans}
	if err != nil {
		attributes = append(attributes, "error", err)
	}
	q.logger.Warn("spans are lost", attributes...)
	u.spans = 0
}

// end tells of all that is lost and untold, what still waits included.
func (q *queue) end() {
	if waiting := q.waiting.Load(); waiting > 0 {
		q.lose(Unsent, int(waiting), nil)
	}
	for _, reason := range Losses() {
		u := q.untold[reason]
		u.mu.Lock()
		if u.spans > 0 {
			q.tell(reason, u, nil)
		}
		u.mu.Unlock()
	}
}

// bounded gives the batch processor behind it no more spans than the queue has room for. The processor's own queue is as long, so that it
// drops none.
type bounded struct {
	queue *queue
	sdk.SpanProcessor
}

// OnEnd is part of sdk.SpanProcessor.
func (b bounded) OnEnd(span sdk.ReadOnlySpan) {
	if b.queue.enter() {
		b.SpanProcessor.OnEnd(span)
	}
}
