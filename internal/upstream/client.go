// Package upstream makes attempts at the upstream, a third party's HTTP API. It sends the request, decides what counts as a success,
// and keeps the connections.
package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"

	"hedgerow/internal/fanout"
	"hedgerow/internal/upstream/transport"
)

// Protocol says how requests go over a connection.
type Protocol = transport.Protocol

// The protocols, as package transport has them.
const (
	Auto  = transport.Auto
	HTTP1 = transport.HTTP1
	H2C   = transport.H2C
)

// Settings of a Client. They are not checked here: internal/config does.
type Settings struct {
	// URLs are where the API is: http or https, with a host. Attempts of Exchange say which they go to, those of Fetch go to the first. User
	// and password in that one are sent by Fetch as basic authentication.
	URLs []*url.URL
	// UserAgent is sent with every attempt of Fetch.
	UserAgent string
	// MaxBody is the most bytes that a body may have after decompression, in Fetch.
	MaxBody int64
	// Roots are the authorities whose certificates are trusted. nil: the system's.
	Roots *x509.CertPool
	// Certificate is this client's own. nil: none.
	Certificate *tls.Certificate
	// MaxConnections is the most connections to each of the upstream's hosts, those being dialled included, and the most kept idle. 0: no
	// limit.
	MaxConnections int
	// Protocol says how requests go over a connection.
	Protocol Protocol
	// ObserveConnection, when set, is called for every connection made to the upstream. It must not block.
	ObserveConnection func()
	// ObserveRequest, when set, is called for every request written. again is true when an attempt's request is written once more: its
	// kept connection ended before the answer began, or the upstream has not taken its HTTP/2 stream. It must not block.
	ObserveRequest func(again bool)
	// ObserveUnsent, when set, is called for every attempt that ended before its request was sent, because it had no connection in
	// time. It must not block.
	ObserveUnsent func()
}

// Client makes attempts. It is safe for concurrent use.
type Client struct {
	urls          []*url.URL
	origins       []*transport.Origin // of the URLs; two of one host have one together
	fetch         *transport.Request  // of every attempt of Fetch
	unfit         error               // why there is none
	maxBody       int64
	observeUnsent func()
}

// New returns a client. It makes no connection before the first attempt.
func New(s Settings) *Client {
	c := &Client{urls: s.URLs, maxBody: s.MaxBody, observeUnsent: s.ObserveUnsent}
	c.fetch, c.unfit = newFetch(s)
	if c.observeUnsent == nil {
		c.observeUnsent = func() {}
	}
	known := map[string]*transport.Origin{}
	for _, u := range s.URLs {
		name := u.Scheme + "://" + u.Host
		if known[name] == nil {
			known[name] = transport.NewOrigin(transport.Settings{
				URL: u, MaxConnections: s.MaxConnections, Roots: s.Roots, Certificate: s.Certificate, Protocol: s.Protocol,
				ObserveConnection: s.ObserveConnection, ObserveRequest: s.ObserveRequest,
			})
		}
		c.origins = append(c.origins, known[name])
	}
	return c
}

// newFetch returns the request of Fetch.
func newFetch(s Settings) (*transport.Request, error) {
	u := s.URLs[0]
	header := http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {s.UserAgent}}
	if user := u.User; user != nil {
		password, _ := user.Password()
		(&http.Request{Header: header}).SetBasicAuth(user.Username(), password)
	}
	r, err := transport.NewRequest(http.MethodGet, u.RequestURI(), u.Host, header, nil)
	if err != nil {
		return nil, err
	}
	r.Repeatable = true
	return r, nil
}

// Fetch makes one attempt and returns the integer `time` of the answer. Every error is a *fanout.Failure. Redirects are not
// followed. Fetch is a fanout.Source.
func (c *Client) Fetch(ctx context.Context, a fanout.Attempt) (int64, error) {
	return c.fetchBy(ctx, a, c.fetch)
}

// FetchWith returns Fetch for the attempts of a call whose requests have further fields, each its own by the attempt's number.
func (c *Client) FetchWith(fields func(number int) http.Header) fanout.Source[int64] {
	if c.unfit != nil {
		return c.Fetch
	}
	return func(ctx context.Context, a fanout.Attempt) (int64, error) {
		return c.fetchBy(ctx, a, c.fetch.With(fields(a.Number)))
	}
}

func (c *Client) fetchBy(ctx context.Context, a fanout.Attempt, request *transport.Request) (int64, error) {
	if c.unfit != nil {
		return 0, failure(c.unfit)
	}
	response, _, err := c.open(ctx, c.origins[0], attemptOf(a), request)
	if err != nil {
		return 0, err
	}
	if response.Status != http.StatusOK {
		response.Discard()
		return 0, StatusFailure(response.Status, response.Header)
	}
	defer response.End()
	return readTime(&message{response.Header, response.ContentLength, response}, c.maxBody)
}

// open sends a request to an origin and returns the beginning of the answer, which the caller ends. sent is how often the request has
// been written.
func (c *Client) open(ctx context.Context, to *transport.Origin, a transport.Attempt, r *transport.Request) (response *transport.Response, sent int, err error) {
	response, sent, err = to.Do(ctx, r, a)
	if sent == 0 {
		c.observeUnsent()
	}
	if err != nil {
		return nil, sent, failure(err)
	}
	return response, sent, nil
}

// attemptOf is what an origin has to know of an attempt.
func attemptOf(a fanout.Attempt) transport.Attempt {
	t := transport.Attempt{Number: a.Number}
	if a.Beside > 0 {
		t.Beside = a.Started.Add(-a.Beside)
	}
	return t
}

// Close closes the connections that no attempt uses. No attempt may begin after it.
func (c *Client) Close() {
	for _, o := range c.origins {
		o.Close()
	}
}
