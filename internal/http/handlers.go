package http

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/hedge"
)

// Service runs calls. A *fanout.Service[int64] does.
type Service interface {
	// Do returns by the plan's deadline. Its errors are those of fanout.Service.Do.
	Do(ctx context.Context, plan fanout.Plan[int64]) (fanout.Answer[int64], error)
}

type handlers struct {
	service    Service
	source     fanout.Source[int64]
	sourceWith func(fields func(number int) http.Header) fanout.Source[int64]
	producers  int
	delay      *hedge.Delay
	budget     float64 // of each call, for hedges
	maxTimeout time.Duration
	ready      func() bool
	api        string
	watch      watch
}

// all godoc
//
//	@Summary		Every success, when all attempts have ended
//	@Description	Fires all attempts at once and answers with the array of successes, in order of arrival, when all have ended \
//	@Description	and at least one has succeeded. Fails when all have failed, or when one still runs at the timeout.
//	@Tags			strategies
//	@Produce		json,application/problem+json
//	@Param			timeout			query		int				true	"Time for the answer in milliseconds"	extensions(x-example=3000)	minimum(1)	maximum(60000)
//	@Success		200				{array}		Answer			"The successes"
//	@Failure		400				{object}	InvalidTimeout	"The timeout is missing, repeated, not a whole number or out of range. Nothing was sent"
//	@Failure		502				{object}	AllFailed		"All attempts failed"
//	@Failure		503				{object}	Refused			"Overload: more calls than can be answered in time. Nothing was sent. See the header Retry-After"
//	@Failure		504				{object}	TimedOut		"An attempt was still running at the timeout"
//	@Header			all				{string}	X-Request-Id	"The request's id, as in the log"
//	@Header			200,502,503,504	{string}	Server-Timing	"One entry for each attempt, sent or refused: its outcome, how long it ran in milliseconds, and why it was refused"
//	@Header			503				{integer}	Retry-After		"Seconds to wait: as long as attempts take at present, or as the upstream API has asked to wait"
//	@Router			/api/all [get]
func (h *handlers) all(c *gin.Context) { h.answer(c, fanout.All, many) }

// first godoc
//
//	@Summary		The first success
//	@Description	Fires all attempts at once and answers with the first success. Fails when all have failed, or when there \
//	@Description	is no success at the timeout.
//	@Tags			strategies
//	@Produce		json,application/problem+json
//	@Param			timeout			query		int				true	"Time for the answer in milliseconds"	extensions(x-example=3000)	minimum(1)	maximum(60000)
//	@Success		200				{object}	Answer			"The first success"
//	@Failure		400				{object}	InvalidTimeout	"The timeout is missing, repeated, not a whole number or out of range. Nothing was sent"
//	@Failure		502				{object}	AllFailed		"All attempts failed"
//	@Failure		503				{object}	Refused			"Overload: more calls than can be answered in time. Nothing was sent. See the header Retry-After"
//	@Failure		504				{object}	TimedOut		"No success at the timeout"
//	@Header			all				{string}	X-Request-Id	"The request's id, as in the log"
//	@Header			200,502,503,504	{string}	Server-Timing	"One entry for each attempt, sent or refused: its outcome, how long it ran in milliseconds, and why it was refused"
//	@Header			503				{integer}	Retry-After		"Seconds to wait: as long as attempts take at present, or as the upstream API has asked to wait"
//	@Router			/api/first [get]
func (h *handlers) first(c *gin.Context) { h.answer(c, fanout.First, one) }

// withinTimeout godoc
//
//	@Summary		The successes there are at the timeout
//	@Description	Fires all attempts at once and answers with the array of successes, in order of arrival, at the timeout or when \
//	@Description	all have ended. Nothing that the upstream API does makes it fail: without a success the array is empty.
//	@Tags			strategies
//	@Produce		json,application/problem+json
//	@Param			timeout	query		int				true	"Time for the answer in milliseconds"	extensions(x-example=3000)	minimum(1)	maximum(60000)
//	@Success		200		{array}		Answer			"The successes, maybe none"
//	@Failure		400		{object}	InvalidTimeout	"The timeout is missing, repeated, not a whole number or out of range. Nothing was sent"
//	@Failure		503		{object}	Refused			"Overload: more calls than can be answered in time. Nothing was sent. See the header Retry-After"
//	@Header			all		{string}	X-Request-Id	"The request's id, as in the log"
//	@Header			200,503	{string}	Server-Timing	"One entry for each attempt, sent or refused: its outcome, how long it ran in milliseconds, and why it was refused"
//	@Header			503		{integer}	Retry-After		"Seconds to wait: as long as attempts take at present, or as the upstream API has asked to wait"
//	@Router			/api/within-timeout [get]
func (h *handlers) withinTimeout(c *gin.Context) { h.answer(c, fanout.WithinTimeout, many) }

// smart godoc
//
//	@Summary		One attempt, and hedges when it is slow or fails
//	@Description	Fires one attempt, and all others (the hedges) when it has failed or has not succeeded within the hedge delay, unless the \
//	@Description	upstream API has asked to wait (429 or 503 with Retry-After). Answers with \
//	@Description	the first success of any. Fails when all attempts have failed, or when there is no success at the timeout.
//	@Tags			strategies
//	@Produce		json,application/problem+json
//	@Param			timeout			query		int				true	"Time for the answer in milliseconds"	extensions(x-example=3000)	minimum(1)	maximum(60000)
//	@Success		200				{object}	Answer			"The first success"
//	@Failure		400				{object}	InvalidTimeout	"The timeout is missing, repeated, not a whole number or out of range. Nothing was sent"
//	@Failure		502				{object}	AllFailed		"All attempts failed"
//	@Failure		503				{object}	Refused			"Overload: more calls than can be answered in time. Nothing was sent. See the header Retry-After"
//	@Failure		504				{object}	TimedOut		"No success at the timeout"
//	@Header			all				{string}	X-Request-Id	"The request's id, as in the log"
//	@Header			200,502,503,504	{string}	Server-Timing	"One entry for each attempt, sent or refused: its outcome, how long it ran in milliseconds, and why it was refused"
//	@Header			503				{integer}	Retry-After		"Seconds to wait: as long as attempts take at present, or as the upstream API has asked to wait"
//	@Router			/api/smart [get]
func (h *handlers) smart(c *gin.Context) { h.answer(c, fanout.Smart, one) }

// answer runs a call by a strategy and writes its values in the given shape.
func (h *handlers) answer(c *gin.Context, strategy fanout.Strategy[int64], shape func([]int64) any) {
	timeout, err := parseTimeout(c.Request.URL.RawQuery, h.maxTimeout)
	if err != nil {
		writeProblem(c, err, nil)
		return
	}
	delay, least := h.delay.At(timeout)
	came := arrival(c)
	watcher := h.watch.begin(c, Beginning{
		Route: c.FullPath(), Strategy: strings.TrimPrefix(c.FullPath(), callsPath+"/"), Arrival: came, Timeout: timeout,
	})
	answer, err := h.service.Do(c.Request.Context(), fanout.Plan[int64]{
		Source: h.sourceOf(c), Strategy: strategy, Arrival: came, Timeout: timeout, Watcher: watcher,
		Producers: h.producers, HedgeDelay: delay, HedgeLeast: least, Durations: h.delay.Durations(), Budget: h.budget,
	})
	noteCall(c, timeout, answer.Attempts)
	if len(answer.Attempts) > 0 {
		c.Header("Server-Timing", serverTiming(answer.Attempts))
	}
	setRetryAfter(c, err, h.maxTimeout)
	if err != nil {
		writeProblem(c, err, answer.Attempts)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, shape(answer.Values))
}

// sourceOf makes the attempts of a call. The call's trace goes on with them, or else what the caller sent.
func (h *handlers) sourceOf(c *gin.Context) fanout.Source[int64] {
	if trace := recordOf(c).trace; trace != nil {
		return h.sourceWith(trace)
	}
	if trace := forward.Trace(c.Request.Header); trace != nil {
		return h.sourceWith(func(int) http.Header { return trace })
	}
	return h.source
}

// setRetryAfter sets the header Retry-After of a refused call: whole seconds, rounded up, at least 1, and at most the longest timeout.
// Every attempt that is in flight now has ended by then, but for its grace; the turn in a quota may come later. A call for whose bodies there is no room may come again
// after a second: they are held for as long as calls take.
func setRetryAfter(c *gin.Context, err error, maxTimeout time.Duration) {
	if errors.Is(err, errBuffersFull) {
		c.Header("Retry-After", "1")
	}
	if refused, ok := errors.AsType[*fanout.RefusedError](err); ok {
		wait := refused.RetryAfter
		if refused.Kind != fanout.KindQuota {
			wait = min(wait, maxTimeout)
		}
		c.Header("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	}
}

// one is the shape of an answer that has exactly one value.
func one(values []int64) any { return Answer{Time: values[0]} }

// many is the shape of an answer that has any number of values.
func many(values []int64) any {
	answers := make([]Answer, len(values))
	for i, v := range values {
		answers[i] = Answer{Time: v}
	}
	return answers
}

// livez godoc
//
//	@Summary		Is the process alive?
//	@Description	Answers 200 as long as the process can answer at all.
//	@Tags			health
//	@Produce		json
//	@Success		200	{object}	Health
//	@Router			/livez [get]
func (h *handlers) livez(c *gin.Context) { writeHealth(c, Health{Status: "ok"}) }

// readyz godoc
//
//	@Summary		Should the process get calls?
//	@Description	Answers 503 from the moment the process is told to stop. Calls are still answered for a while. The member api \
//	@Description	tells which API is called. With the built-in testing server every answer of the service has the header \
//	@Description	`Hedgerow-Testing-Server: built-in`.
//	@Tags			health
//	@Produce		json,application/problem+json
//	@Success		200	{object}	Health
//	@Failure		503	{object}	NotReady	"Shutting down"
//	@Header			503	{integer}	Retry-After	"Seconds to wait"
//	@Router			/readyz [get]
func (h *handlers) readyz(c *gin.Context) {
	if !h.ready() {
		c.Header("Retry-After", "1") // by then a balancer has another replica
		writeProblem(c, errNotReady, nil)
		return
	}
	writeHealth(c, Health{Status: "ok", API: h.api})
}

func writeHealth(c *gin.Context, health Health) {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, health)
}
