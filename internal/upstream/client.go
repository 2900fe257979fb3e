// Package upstream makes attempts at the upstream, a third party's HTTP API. It sends the request, decides what counts as a success,
// and keeps the connections.
package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
)

// Settings of a Client. They are not checked here: internal/config does.
type Settings struct {
	// URLs are where the API is: http or https, with a host. Attempts of Exchange go to them in turn, those of Fetch to the first. User
	// and password in that one are sent by Fetch as basic authentication.
	URLs []*url.URL
	// UserAgent is sent with every attempt that has none of its own.
	UserAgent string
	// MaxBody is the most bytes that a body may have after decompression, in Fetch.
	MaxBody int64
	// Roots are the authorities whose certificates are trusted. nil: the system's.
	Roots *x509.CertPool
	// Certificate is this client's own. nil: none.
	Certificate *tls.Certificate
	// HTTP1 keeps to HTTP/1.1 at https too.
	HTTP1 bool
	// MaxConnections is the most connections to the upstream, those being dialled included, and the most kept idle. Where HTTP/2 is
	// possible, first attempts and the others have this limit each.
	MaxConnections int
	// ClearTextHTTP2 makes attempts at an http URL by HTTP/2, with prior knowledge. With https the two sides agree on HTTP/1.1 or
	// HTTP/2 by themselves.
	ClearTextHTTP2 bool
	// ObserveConnection, when set, is called for every connection made to the upstream. It must not block.
	ObserveConnection func()
	// ObserveRequest, when set, is called for every request written. again is true when net/http writes the request once more: its kept
	// connection ended before the answer began, or the upstream refused its HTTP/2 stream. It must not block.
	ObserveRequest func(again bool)
	// ObserveUnsent, when set, is called for every attempt that ended before its request was sent, because it had no connection in
	// time. It must not block.
	ObserveUnsent func()
}

// Client makes attempts. It is safe for concurrent use.
type Client struct {
	urls           []*url.URL
	userAgent      []string
	request        *http.Request // the template of every attempt of Fetch; nobody writes to it
	maxBody        int64
	clearTextHTTP2 bool
	observeRequest func(again bool)
	observeUnsent  func()
	// lanes are the transports of the first attempt and of the others. One is enough for HTTP/1.1. Over HTTP/2 all requests of a
	// transport share a connection, and a hedge would hang with the attempt that it is to save.
	lanes []*http.Transport
}

// New returns a client. It makes no connection before the first attempt.
func New(s Settings) *Client {
	c := &Client{
		urls: s.URLs, userAgent: []string{s.UserAgent}, request: newRequest(s), maxBody: s.MaxBody, clearTextHTTP2: s.ClearTextHTTP2, lanes: []*http.Transport{newTransport(s)},
		observeRequest: s.ObserveRequest, observeUnsent: s.ObserveUnsent,
	}
	if c.observeRequest == nil {
		c.observeRequest = func(bool) {}
	}
	if c.observeUnsent == nil {
		c.observeUnsent = func() {}
	}
	secure := slices.ContainsFunc(s.URLs, func(u *url.URL) bool { return u.Scheme == "https" })
	if s.ClearTextHTTP2 || secure && !s.HTTP1 {
		c.lanes = append(c.lanes, newTransport(s))
	}
	return c
}

func newRequest(s Settings) *http.Request {
	target := *s.URLs[0]
	target.User = nil
	request := &http.Request{
		Method: http.MethodGet, URL: &target, Host: target.Host,
		Header: http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {s.UserAgent}},
	}
	if user := s.URLs[0].User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	return request
}

// Fetch makes one attempt and returns the integer `time` of the answer. Every error is a *fanout.Failure. Redirects are not
// followed. Fetch is a fanout.Source.
func (c *Client) Fetch(ctx context.Context, number int) (int64, error) {
	response, u, err := c.open(ctx, number, c.request)
	if err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusOK {
		discard(response.Body, u)
		return 0, StatusFailure(response.StatusCode, response.Header)
	}
	defer u.end()
	defer func() { _ = response.Body.Close() }()
	return readTime(response, c.maxBody)
}

// open sends a request and returns the beginning of the answer, and the use of its connection, which the caller ends. number is that
// of the attempt.
func (c *Client) open(ctx context.Context, number int, request *http.Request) (*http.Response, *use, error) {
	u := &use{ctx: ctx, shared: c.clearTextHTTP2, observeRequest: c.observeRequest}
	trace := &httptrace.ClientTrace{GotConn: u.begin, WroteRequest: u.sent}
	lane := c.lanes[min(number, len(c.lanes)-1)]
	response, err := lane.RoundTrip(request.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		if u.requests.Load() == 0 {
			c.observeUnsent()
		}
		u.end()
		return nil, nil, failure(err)
	}
	return response, u, nil
}

// CloseIdleConnections closes the connections that no attempt uses.
func (c *Client) CloseIdleConnections() {
	for _, lane := range c.lanes {
		lane.CloseIdleConnections()
	}
}
