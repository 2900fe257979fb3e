package traces

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// A request that may succeed later is sent again after firstPause, and after twice as long each time, up to longestPause; a quarter
	// more or less, so that replicas do not come all at once.
	firstPause, longestPause = 500 * time.Millisecond, 5 * time.Second
	// longestRest is for how long a collector may ask for nothing more.
	longestRest = time.Minute
	// answerLimit is how much of an answer is read.
	answerLimit = 64 << 10
)

// exporter sends spans by OTLP over HTTP. It is a sdk.SpanExporter, whose calls come one after the other.
type exporter struct {
	url      string
	header   http.Header
	timeout  time.Duration
	client   *http.Client
	packer   packer
	queue    *queue
	exported func(spans int)
	rest     time.Time // before that nothing is sent
}

func newExporter(s Settings, q *queue) *exporter {
	header := s.Headers.Clone()
	header.Set("Content-Type", "application/x-protobuf")
	header.Set("User-Agent", "hedgerow/"+s.Version)
	if s.Gzip {
		header.Set("Content-Encoding", "gzip")
	}
	return &exporter{
		url: s.Endpoint.String(), header: header, timeout: s.Timeout, packer: packer{gzip: s.Gzip}, queue: q, exported: s.ObserveExported,
		client: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: s.TLS, IdleConnTimeout: longestRest,
				TLSHandshakeTimeout: s.Timeout, // nothing else ends a handshake: it goes on when its request is given up
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the headers are for nobody else
		},
	}
}

// ExportSpans sends spans, and sends them again for as long as the timeout allows when that may help. It never fails: whoever wants to
// know is told.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	defer e.queue.leave(len(spans))
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	body, err := e.packer.pack(spans)
	rejected := 0
	if err == nil {
		rejected, err = e.deliver(ctx, body)
	}
	if err != nil {
		e.queue.lose(ExportFailed, len(spans), err)
		return nil
	}
	rejected = min(rejected, len(spans))
	if rejected > 0 {
		e.queue.lose(Rejected, rejected, nil)
	}
	e.exported(len(spans) - rejected)
	return nil
}

// Shutdown is part of sdk.SpanExporter.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// errResting is why a batch was not sent.
var errResting = errors.New("the collector has asked to wait")

// deliver sends a request until the collector has taken it. rejected is how many spans it has not taken.
func (e *exporter) deliver(ctx context.Context, body []byte) (rejected int, err error) {
	err = errResting
	for pause := firstPause; e.rested(ctx); pause = min(2*pause, longestPause) {
		if rejected, err = e.post(ctx, body); err == nil {
			return rejected, nil
		}
		wait, again := patience(err, pause)
		if !again {
			break
		}
		e.rest = time.Now().Add(wait)
	}
	return 0, err
}

// rested waits until something may be sent. It is false when that is too late.
func (e *exporter) rested(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok && !e.rest.Before(deadline) {
		return false
	}
	select {
	case <-time.After(time.Until(e.rest)):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// patience tells whether a request that has failed may be sent again, and after what time. pause is the time when nobody asks for another.
func patience(err error, pause time.Duration) (wait time.Duration, again bool) {
	wait = time.Duration(float64(pause) * (0.75 + rand.Float64()/2))
	refused, ok := errors.AsType[*statusError](err)
	if !ok {
		return wait, true // the network's
	}
	switch refused.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return max(wait, refused.after), true
	}
	return 0, false
}

// statusError is an answer that is not a success.
type statusError struct {
	status int
	after  time.Duration // until when it asks to wait
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the collector answers with status %d", e.status)
}

// post sends a request once.
func (e *exporter) post(ctx context.Context, body []byte) (rejected int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header = e.header.Clone()
	response, err := e.client.Do(request)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL: there may be a key in it
		}
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, answerLimit)) // the status says enough
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return 0, &statusError{response.StatusCode, retryAfter(response.Header.Get("Retry-After"))}
	}
	return rejectedIn(answer), nil
}

// retryAfter reads the field Retry-After: seconds or a date. It is 0 when there is nothing of use.
func retryAfter(text string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(min(seconds, int(longestRest.Seconds()))) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		wait = time.Until(date)
	}
	return min(max(wait, 0), longestRest)
}
