package live

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

const (
	// lookInterval is how often a reader gets what is new.
	lookInterval = 200 * time.Millisecond
	// writeTimeout is the time for one event to go out. A reader that has stalled for longer is cut.
	writeTimeout = 5 * time.Second
	// mostReaders bounds the streams. Those beyond get 503.
	mostReaders = 64
)

// events streams what happens (text/event-stream) until the reader goes away, stalls or the process stops: "about" once, then "apis" with
// the figures and "calls" with what is new.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	select {
	case p.readers <- struct{}{}:
		defer func() { <-p.readers }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return // what is written is thrown away: its stream would neither stall nor end
	}
	s := stream{page: p, follower: follower{history: p.history}, writer: w, controller: http.NewResponseController(w)}
	s.add("about", p.about)
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for s.tell() == nil {
		select {
		case <-look.C:
		case <-r.Context().Done():
			return
		}
	}
}

// stream is one reader. It belongs to the goroutine of its request.
type stream struct {
	page       *Page
	follower   follower
	figures    uint64 // the number of those told
	writer     http.ResponseWriter
	controller *http.ResponseController
	events     bytes.Buffer // to be written
}

// tell writes what is new. It gives up after writeTimeout.
func (s *stream) tell() error {
	if figures := s.page.figures.shown.Load(); figures.number != s.figures {
		s.figures = figures.number
		s.add("apis", figures.encoded)
	}
	if calls := s.follower.look(); len(calls) > 0 {
		s.add("calls", fmt.Appendf(nil, `{"now":%d,"calls":[%s]}`, time.Now().UnixMilli(), bytes.Join(calls, []byte{','})))
	}
	if s.events.Len() == 0 {
		return nil
	}
	if err := s.controller.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := s.events.WriteTo(s.writer); err != nil {
		return err
	}
	return s.controller.Flush()
}

// add adds an event. Its data is JSON, which has no line breaks.
func (s *stream) add(name string, data []byte) {
	for _, part := range [][]byte{[]byte("event: "), []byte(name), []byte("\ndata: "), data, []byte("\n\n")} {
		s.events.Write(part)
	}
}
