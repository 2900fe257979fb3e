package hedge

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A window is the last minute, in slices of a second.
const (
	slice  = time.Second
	slices = 60
)

// enough is how many attempts must have succeeded in a window for its quantile to be known.
const enough = 50

// Durations are recorded with two significant digits: what is read is at most 1/128 above the true value. A duration beyond these
// bounds is recorded as the bound.
const (
	shortest = time.Microsecond
	longest  = 24 * time.Hour
	digits   = 2
)

// window is how long the attempts of the last minute took. An attempt costs one short lock. Once a second, off the path of calls, the
// slice that is over is put away and the quantile is computed. A window takes about 50 KB, and 5 bytes for each slice and each value
// in it; one that has been empty for a minute takes nothing and has no timer.
type window struct {
	quantile Quantile
	known    atomic.Pointer[known] // nil when the window is empty

	mu      sync.Mutex
	present *hdrhistogram.Histogram // the successes of the slice that is not over; nil when the window is not in use
	cut     int64                   // attempts of that slice
	over    bool                    // no attempt will come any more
	timer   *time.Timer             // ends the slice

	// These belong to turn, which never runs twice at a time.
	past  []past // round and round
	next  int    // of past
	empty int    // slices in a row without an attempt, up to the last one
}

// known is what a window says.
type known struct {
	quantile time.Duration // 0: unknown
	fastest  time.Duration // success; 0: there is none
}

// past is a slice that is over.
type past struct {
	ended *hdrhistogram.PackedHistogram // the successes; takes memory only for the values that there are
	cut   int64                         // attempts that would have taken longer than they did
}

// histograms are empty. A window needs a second one only while it turns.
var histograms = sync.Pool{New: func() any { return hdrhistogram.New(int64(shortest), int64(longest), digits) }}

func newHistogram() *hdrhistogram.Histogram { return histograms.Get().(*hdrhistogram.Histogram) }

// Record takes the duration of an attempt that succeeded, or counts one that was cut before its end: it would have taken longer than
// any that succeeded. It is a fanout.Durations.
func (w *window) Record(d time.Duration, ended bool) {
	w.mu.Lock()
	if w.present == nil {
		w.begin()
	}
	if ended {
		_ = w.present.RecordValue(int64(min(max(d, shortest), longest))) // fails only beyond the bounds
	} else {
		w.cut++
	}
	w.mu.Unlock()
}

// begin takes the window into use. Record holds the lock.
func (w *window) begin() {
	w.present = newHistogram()
	w.timer = time.AfterFunc(slice, w.turn) // again and again until the window is empty
}

// turn puts the present slice away and computes the quantile.
func (w *window) turn() {
	ended, cut, used := w.take()
	if !used {
		return
	}
	if w.past == nil {
		w.past = make([]past, slices)
		for i := range w.past {
			w.past[i].ended = hdrhistogram.NewPacked(int64(shortest), int64(longest), digits)
		}
	}
	at := &w.past[w.next]
	w.next = (w.next + 1) % slices
	at.ended.Reset()
	at.ended.MergeFrom(ended)
	at.cut = cut
	w.known.Store(w.sum(ended))
	ended.Reset()
	histograms.Put(ended)
	w.timer.Reset(slice)
}

// end has the window go out of use at the end of the present slice. No attempt may be recorded any more.
func (w *window) end() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
}

// take ends the present slice and returns its attempts. When the whole window is empty, or no attempt will come any more, it takes it out
// of use instead.
func (w *window) take() (ended *hdrhistogram.Histogram, cut int64, used bool) {
	following := newHistogram()
	w.mu.Lock()
	defer w.mu.Unlock()
	ended, cut = w.present, w.cut
	if w.empty++; cut > 0 || ended.TotalCount() > 0 {
		w.empty = 0
	}
	if w.empty == slices || w.over {
		histograms.Put(ended)
		histograms.Put(following)
		w.present, w.past, w.empty = nil, nil, 0
		w.known.Store(nil)
		return nil, 0, false
	}
	w.present, w.cut = following, 0
	return ended, cut, true
}

// sum is what all slices together say. It uses a histogram for that.
func (w *window) sum(all *hdrhistogram.Histogram) *known {
	all.Reset()
	var cut int64
	for i := range w.past {
		w.past[i].ended.MergeInto(all)
		cut += w.past[i].cut
	}
	return &known{quantile: w.quantile.of(all, cut), fastest: time.Duration(all.Min())}
}

// of is the quantile of durations of which some are known and others, those that were cut, are longer than any. It is 0 when it is not
// known: among those that were cut, or of too few.
func (q Quantile) of(ended *hdrhistogram.Histogram, cut int64) time.Duration {
	successes := ended.TotalCount()
	rank := (int64(q)*(successes+cut) + everything - 1) / everything
	if successes < enough || rank > successes {
		return 0
	}
	return time.Duration(ended.ValueAtQuantile(100 * float64(rank) / float64(successes)))
}
