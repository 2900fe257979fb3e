package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-openapi/spec"

	_ "hedgerow/docs" // the document
	"hedgerow/internal/hedge"
)

// Settings are those of the service that its document shows.
type Settings struct {
	// Producers is the number of attempts that a call may make.
	Producers int
	// HedgeDelay is how long the strategy smart waits before it fires hedges: a duration, or a quantile of how long attempts take like p95.
	HedgeDelay hedge.When
	// MaxTimeout is the largest timeout that a call may ask for. The document gives it in whole milliseconds.
	MaxTimeout time.Duration
	// NoTimeout is what the API says to a call without a timeout.
	NoTimeout string
	// APIs returns the APIs of the file. It is called at any time from any goroutine. nil: there is no file.
	APIs func() []API
	// Strategies are those that a call to one of them can ask for.
	Strategies []string
	// Details are what such a call is told, by status.
	Details map[int]string
}

// suggestedTimeout is the timeout that the console suggests, or MaxTimeout if that is less.
const suggestedTimeout = 3 * time.Second

// edit returns the API's document for a service with these settings and APIs. What swag generates stands for the default settings.
func edit(document []byte, s Settings, apis []API) ([]byte, error) {
	var d spec.Swagger
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, err
	}
	if d.Info == nil || d.Paths == nil {
		return nil, errors.New("it has no info or no paths")
	}
	d.Info.Description += "\n\n" + about(s)
	for _, path := range d.Paths.Paths {
		if path.Get == nil {
			continue
		}
		for i := range path.Get.Parameters {
			if p := &path.Get.Parameters[i]; p.Name == "timeout" {
				p.WithMaximum(float64(s.MaxTimeout.Milliseconds()), false)
				p.AddExtension("x-example", min(suggestedTimeout, s.MaxTimeout).Milliseconds())
			}
		}
	}
	for _, member := range []string{"detail", "error"} {
		schema := d.Definitions["InvalidTimeout"].Properties[member]
		d.Definitions["InvalidTimeout"].Properties[member] = *schema.WithExample(s.NoTimeout)
	}
	if s.APIs != nil {
		if err := addAPIs(&d, s, apis); err != nil {
			return nil, err
		}
	}
	return json.Marshal(d) // leaves empty members out: with an empty host it would not be valid
}

// about says in a sentence what the settings are.
func about(s Settings) string {
	attempts := "one attempt"
	if s.Producers != 1 {
		attempts = fmt.Sprintf("%d attempts", s.Producers)
	}
	return fmt.Sprintf("This service makes at most %s for a call. `smart` waits %s before it fires its hedges. The largest timeout is %d ms.",
		attempts, wait(s.HedgeDelay), s.MaxTimeout.Milliseconds())
}

func wait(w hedge.When) string {
	if w.Quantile > 0 {
		return fmt.Sprintf("for %v of the last minute's attempts", w.Quantile)
	}
	return milliseconds(w.Delay)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%v ms", float64(d.Microseconds())/1000)
}

// newDocument serves the document, which follows the APIs of the file.
func newDocument(c contents, s Settings) http.Handler {
	var (
		mu   sync.Mutex
		last []API // of the handler
		made http.Handler
	)
	return orError(func() (http.Handler, error) {
		mu.Lock()
		defer mu.Unlock()
		var apis []API
		if s.APIs != nil {
			apis = s.APIs()
		}
		if made != nil && equal(apis, last) {
			return made, nil
		}
		generated, err := c.file(documentName)
		if err != nil {
			return nil, err
		}
		content, err := edit(generated.content, s, apis)
		if err != nil {
			return nil, err
		}
		last, made = apis, serve(file{generated.contentType, content})
		return made, nil
	})
}
