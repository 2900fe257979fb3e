package http

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"hedgerow/internal/fanout"
	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
)

// requestsHeader says how many requests have been sent to the API when the answer is written.
const requestsHeader = "Hedgerow-Requests"

// proxy answers the requests below /proxy/.
type proxy struct {
	gateway *gateway.Gateway
	via     forward.Via
	buffer  *gateway.Buffer
	watch   watch
}

// proxyStrategy is a strategy of /proxy/ and the form of its answers.
type proxyStrategy struct {
	name string // as the header and the file give it
	run  fanout.Strategy[*gateway.Answer]
	// array says that the answer is an array of what the attempts got. Otherwise it is the winner's, as it is.
	array bool
}

// proxyStrategies are those of /proxy/. The first is the default.
var proxyStrategies = []proxyStrategy{
	{name: "smart", run: fanout.Smart[*gateway.Answer]},
	{name: "first", run: fanout.First[*gateway.Answer]},
	{name: "all", run: fanout.All[*gateway.Answer], array: true},
	{name: "within-timeout", run: fanout.WithinTimeout[*gateway.Answer], array: true},
}

// Strategies returns the names of the strategies of /proxy/. The first is the default.
func Strategies() []string {
	names := make([]string, len(proxyStrategies))
	for i, s := range proxyStrategies {
		names[i] = s.name
	}
	return names
}

// serve makes a call to an API of the file.
func (p *proxy) serve(c *gin.Context) {
	note := &proxiedRecord{}
	recordOf(c).proxied = note
	c.Writer.Header().Del(testingServerHeader) // it stands in for the API of /api alone
	target, err := forward.ParseTarget(c.Request.RequestURI)
	if err != nil {
		refuse(c, err)
		return
	}
	api := p.gateway.Use(target.API)
	if api == nil {
		refuse(c, errUnknownAPI)
		return
	}
	defer api.Release()
	route := api.Route(c.Request.Method, target.Path)
	note.api, note.route = api.Name(), route.Pattern
	if !route.Has(c.Request.Method) {
		leaveBody(c)
		methodNotAllowed(c, api.Allow(target.Path))
		return
	}
	note.isCall = true
	holding := p.buffer.Hold()
	defer holding.End()
	call, strategy, err := p.call(c, route, holding)
	if err != nil {
		refuse(c, err)
		return
	}
	call.Target = target
	call.Watcher = p.watch.begin(c, Beginning{
		API: api.Name(), Route: route.Pattern, Strategy: strategy.name, Arrival: call.Arrival, Timeout: call.Timeout,
	})
	call.Trace = recordOf(c).trace
	result, err := api.Do(c.Request.Context(), call)
	note.strategy = strategy.name
	if answer := passed(strategy, result, err); answer != nil {
		note.passed = true
		if api.URLs() > 1 {
			note.url = answer.URL + 1
		}
	}
	p.write(c, strategy, call, result, err)
}

// refuse answers a request that is not passed on.
func refuse(c *gin.Context, err error) {
	leaveBody(c)
	setRetryAfter(c, err, 0)
	writeProblem(c, err, nil)
}

// bodyRest is how long the rest of a body that nobody wants may come behind the answer, so that a caller which is still sending gets that.
const bodyRest = 500 * time.Millisecond

// leaveBody ends the connection with the answer when the request has a body, which may never come to its end. The answer does not
// wait for it.
func leaveBody(c *gin.Context) {
	if c.Request.ContentLength != 0 {
		c.Header("Connection", "close")
		_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(bodyRest))
	}
}

// otherMethod serves methods that gin has no route for: an API's settings may name any.
func (p *proxy) otherMethod(c *gin.Context) {
	if strings.HasPrefix(c.Request.RequestURI, forward.Prefix) {
		p.serve(c)
		c.Abort()
	}
}

// call reads what a caller asks for. Its errors are problems of the request.
func (p *proxy) call(c *gin.Context, route *gateway.Route, holding *gateway.Holding) (gateway.Call, proxyStrategy, error) {
	if p.via.Seen(c.Request.Header) {
		return gateway.Call{}, proxyStrategy{}, errLoop
	}
	timeout, err := parseTimeoutHeader(c.Request.Header[timeoutHeader], route.Timeout, route.MaxTimeout)
	if err != nil {
		return gateway.Call{}, proxyStrategy{}, err
	}
	strategy, err := parseStrategy(c.Request.Header[strategyHeader], route.Strategy)
	if err != nil {
		return gateway.Call{}, proxyStrategy{}, err
	}
	if strategy.array && c.Request.Method == http.MethodHead {
		return gateway.Call{}, proxyStrategy{}, errHeadOfArray
	}
	came := arrival(c)
	began := time.Now()
	body, err := readBody(c, route.MaxRequestBody, came.Add(timeout), holding)
	return gateway.Call{
		Route: route, Strategy: strategy.run, Arrival: came, Timeout: timeout, Spent: time.Since(began),
		Request: c.Request, Body: body, Via: p.via, Holding: holding,
	}, strategy, err
}

// passed returns the answer that the caller gets as it came, nil when there is none: the winner's, or what a plain proxy would have
// passed on.
func passed(strategy proxyStrategy, result gateway.Result, err error) *gateway.Answer {
	switch {
	case strategy.array:
		return nil
	case err == nil:
		return result.Values[0]
	case errors.Is(err, fanout.ErrFailed):
		return result.Failed
	}
	return nil
}

// write answers with what a call has ended with.
func (p *proxy) write(c *gin.Context, strategy proxyStrategy, call gateway.Call, result gateway.Result, err error) {
	noteCall(c, call.Timeout, result.Attempts)
	if answer := passed(strategy, result, err); answer != nil {
		p.pass(c, call.Route, answer, result.Attempts, result.Sent)
		return
	}
	var array []byte
	if err == nil {
		array, err = arrayOf(result.Values, call.Holding.Take)
	}
	if len(result.Values) == 0 && result.Full && (err == nil || errors.Is(err, fanout.ErrFailed)) {
		err = errBuffersFull // an answer came, and there was no room for it
	}
	p.addFields(c, result.Attempts, result.Sent)
	if err == nil {
		writeArray(c, array)
		return
	}
	setRetryAfter(c, err, call.Route.MaxTimeout)
	writeProblem(c, err, result.Attempts)
}

// pass writes an API's answer as it came.
func (p *proxy) pass(c *gin.Context, route *gateway.Route, a *gateway.Answer, attempts []fanout.Attempt, sent int) {
	h := c.Writer.Header()
	for name := range h {
		if name != requestIDHeader && name != "Connection" {
			delete(h, name) // those of our own answers
		}
	}
	id := h[requestIDHeader]
	route.Answers.Copy(h, a.Header)
	h[requestIDHeader] = id
	h["X-Content-Type-Options"] = nosniff
	h.Add("Content-Security-Policy", "sandbox") // what comes from an API shares the console's origin
	p.via.Add(h, h["Via"], a.Proto)
	p.addFields(c, attempts, sent)
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // net/http would guess one
	}
	switch {
	case a.Status == http.StatusNotModified:
		describeUnsent(h)
	case c.Request.Method != http.MethodHead:
		h["Content-Length"] = []string{strconv.Itoa(len(a.Body))}
	}
	c.Abort()
	c.Status(a.Status)
	c.Writer.WriteHeaderNow()
	if c.Request.Method != http.MethodHead {
		writeBody(c, a.Body)
	}
}

// describeUnsent keeps what a 304 says of the body that it does not have: net/http drops these fields by their usual names.
func describeUnsent(h http.Header) {
	for _, name := range []string{"Content-Length", "Content-Type"} {
		if values := h[name]; values != nil {
			h[strings.ToLower(name)] = values
		}
		delete(h, name)
	}
}

// addFields adds what every answer of a call says of its attempts.
func (p *proxy) addFields(c *gin.Context, attempts []fanout.Attempt, sent int) {
	h := c.Writer.Header()
	if len(attempts) > 0 {
		h.Add("Server-Timing", serverTiming(attempts))
	}
	h.Set(requestsHeader, strconv.Itoa(sent))
}
