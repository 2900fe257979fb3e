package gateway

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/internal/config/file"
)

func TestTheOrderTakesNoMemoryWhileNoURLIsPutLast(t *testing.T) {
	o := newOrder(&file.API{}, slog.New(slog.DiscardHandler))
	o.urls = make([]health, 3)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		r := o.begin(false)
		o.answered(r.url(0))
		o.failed(r.url(1))
		o.answered(r.url(0))
	}))
	assert.False(t, o.urls[0].heed.Load(), "the other URL knows of an answer: the next ones take no lock")
}
