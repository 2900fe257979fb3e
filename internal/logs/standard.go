package logs

import (
	"bytes"
	"log"
	"log/slog"
)

// takeOver makes lines of logger of what is written by the package log. net/http does so, with a lock held and with bytes that the
// API has sent. Its text is therefore replaced by ours and the place in the source, and logged once a minute for each place.
func takeOver(logger *slog.Logger) {
	log.SetFlags(log.Lshortfile)
	log.SetOutput(&standard{logger: logger, places: map[string]*Limit{}})
}

// standard takes lines like "transport.go:123: text". The package log calls Write once at a time.
type standard struct {
	logger *slog.Logger
	places map[string]*Limit
}

// messages replace lines that begin so.
var messages = []struct{ beginning, message string }{
	{"Unsolicited response received on idle HTTP channel", "the API sends more than its answer: its connections are not used again"},
	{"", "a library has written to its own log"},
}

func (s *standard) Write(line []byte) (int, error) {
	source, text, _ := bytes.Cut(line, []byte(": "))
	place := string(source)
	if s.places[place] == nil {
		s.places[place] = &Limit{}
	}
	unlogged, ok := s.places[place].Due()
	for _, m := range messages {
		if ok && bytes.HasPrefix(text, []byte(m.beginning)) {
			s.logger.Warn(m.message, "source", place, "unlogged", unlogged)
			break
		}
	}
	return len(line), nil
}
