package listen

import (
	"context"

	"github.com/oklog/run"
)

// Group is servers that run together. The first that ends, for whatever reason, ends the others.
type Group struct{ actors run.Group }

// Add adds a server, which runs until ctx is done or the group ends.
func (g *Group) Add(ctx context.Context, serve func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	g.actors.Add(
		func() error { defer close(ended); return serve(ctx) },
		func(error) { cancel(); <-ended },
	)
}

// Run returns the error of the server that ended first, nil included, when all have ended. They are stopped in the order in which
// they were added, each when the one before it has ended.
func (g *Group) Run() error { return g.actors.Run() }
