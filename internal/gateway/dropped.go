package gateway

import (
	"log/slog"
	"sync"
)

// maxDropped is the most names of fields that are told of one API: callers choose them.
const maxDropped = 100

// dropped tells the log which fields of callers' requests an API does not get, each once, however often the file is read again.
type dropped struct {
	logger *slog.Logger

	mu   sync.Mutex
	told map[string]bool
}

func newDropped(api string, logger *slog.Logger) *dropped {
	return &dropped{logger: logger.With("api", api), told: map[string]bool{}}
}

func (d *dropped) tell(names []string) {
	if len(names) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		if !d.told[name] && len(d.told) < maxDropped {
			d.told[name] = true
			d.logger.Info("a header of callers' requests is not forwarded: forward.headers does not name it", "header", name)
		}
	}
}
