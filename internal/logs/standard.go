package logs

import (
	"bytes"
	"log"
	"log/slog"
)

// takeOver makes lines of logger of what is written by the package log. net/http does so, with a lock held and maybe with bytes that the
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

func (s *standard) Write(line []byte) (int, error) {
	source, _, _ := bytes.Cut(line, []byte(": "))
	place := string(source)
	if s.places[place] == nil {
		s.places[place] = &Limit{}
	}
	if unlogged, ok := s.places[place].Due(); ok {
		s.logger.Warn("a library has written to its own log", "source", place, "unlogged", unlogged)
	}
	return len(line), nil
}
