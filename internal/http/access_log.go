package http

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
)

// logQuietly logs requests at the level debug: a balancer asks twice a second.
func logQuietly(c *gin.Context) { recordOf(c).quiet = true }

// logRequests writes one line for each request when it has been answered. sample, unless it is nil, tells whether a healthy call has its
// line too.
func logRequests(logger *slog.Logger, sample func() bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Next()
		r, status := recordOf(c), c.Writer.Status()
		if sample != nil && r.healthy(status) && !sample() {
			return
		}
		level := slog.LevelInfo
		switch {
		case status == http.StatusInternalServerError && (r.proxied == nil || !r.proxied.passed):
			level = slog.LevelError
		case r.quiet:
			level = slog.LevelDebug
		}
		ctx, now := c.Request.Context(), time.Now()
		if !logger.Enabled(ctx, level) {
			return
		}
		attributes := make([]slog.Attr, 0, 12)
		attributes = append(attributes, slog.String("method", c.Request.Method))
		if p := r.proxied; p != nil {
			attributes = append(attributes, slog.String("api", p.api))
			if p.route != "" {
				attributes = append(attributes, slog.String("route", p.route))
			}
		} else if path := c.Request.URL.Path; !strings.HasPrefix(path, forward.Prefix) { // which may be written in other ways than we route
			attributes = append(attributes, slog.String("path", path))
		}
		attributes = append(attributes,
			slog.Int("status", status),
			slog.Float64("duration_ms", milliseconds(now.Sub(r.arrival))),
			slog.String("remote", c.Request.RemoteAddr),
			slog.String("request_id", r.id))
		line := slog.NewRecord(now, level, "request", 0) // the place in the code, which the line does not have, costs as much as two of its fields
		line.AddAttrs(r.describe(attributes)...)
		_ = logger.Handler().Handle(ctx, line)
	}
}

// healthy tells whether a request was a call of which nothing is to be said: it did not wait for the service, its answer is none of our
// errors nor a 5xx of the API, the caller has taken all of it as far as can be told, and none of its attempts had failed by then, was running at the deadline or was not sent.
func (r *record) healthy(status int) bool {
	if !r.called || r.cut || r.waited > 0 || status >= StatusClientClosedRequest {
		return false
	}
	return !slices.ContainsFunc(r.attempts, func(a fanout.Attempt) bool { return a.Outcome != fanout.Won && a.Outcome != fanout.Running })
}

// describe appends what is known of a call, and how long its request has waited.
func (r *record) describe(attributes []slog.Attr) []slog.Attr {
	if r.called {
		attributes = append(attributes, slog.Int64("timeout_ms", r.timeout.Milliseconds()))
		if r.proxied != nil {
			attributes = append(attributes, slog.String("strategy", r.proxied.strategy))
		}
		attributes = append(attributes, slog.String("attempts", summary(r.attempts)))
	}
	if r.proxied != nil && r.proxied.url > 0 {
		attributes = append(attributes, slog.Int("url", r.proxied.url))
	}
	if r.cut {
		attributes = append(attributes, slog.Bool("cut", true))
	}
	if r.waited > 0 {
		attributes = append(attributes, slog.Float64("waited_ms", milliseconds(r.waited)))
	}
	return attributes
}
