package transport

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// h2c is an HTTP/2 API in clear text. When it is told to, it goes silent on the connections that there are, but for PINGs.
type h2c struct {
	origin *Origin
	refuse bool   // every request is too large; set before the first
	body   string // of the answers; likewise

	mu     sync.Mutex
	silent map[string]bool // by connection
	seen   []string        // connections, in the order of requests
}

func newH2C(t *testing.T) *h2c {
	t.Helper()
	s := &h2c{silent: map[string]bool{}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.RemoteAddr)
		silent := s.silent[r.RemoteAddr]
		s.mu.Unlock()
		if silent {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Asked", r.Proto+" "+r.RequestURI)
		w.Header().Set("X-Echo", r.Header.Get("X-Echo"))
		if s.refuse {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
		_, _ = io.WriteString(w, s.body)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	s.origin = NewOrigin(Settings{URL: u, MaxConnections: 8, Protocol: H2C})
	t.Cleanup(s.origin.Close)
	return s
}

// goSilent makes the connections silent that have been used so far.
func (s *h2c) goSilent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.seen {
		s.silent[c] = true
	}
}

func (s *h2c) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[len(s.seen)-1]
}

func TestOverHTTP2ATargetGoesOnAsItIs(t *testing.T) {
	s := newH2C(t)
	for _, target := range []string{"/", "/?", "//evil.example/x?y", "//a|b", "/%2F?a=%zz", "/a//b;c"} {
		r, err := NewRequest(http.MethodGet, target, "api.example", http.Header{}, nil)
		require.NoError(t, err)
		a := ask(t.Context(), s.origin, r, Attempt{})
		require.NoError(t, a.err, target)
		assert.Equal(t, "HTTP/2.0 "+target, a.header.Get("Asked"))
	}
}

func TestOverHTTP2AnAnswerWithoutABodyIsDiscardedToo(t *testing.T) {
	s := newH2C(t)
	for range 2 {
		response, _, err := s.origin.Do(t.Context(), newRequest(t, http.MethodGet, nil), Attempt{})
		require.NoError(t, err)
		response.Discard()
	}
	assert.Equal(t, s.seen[0], s.seen[1], "the connection is used again")
}

func TestOverHTTP2AHedgeBesideASilentAttemptLeavesTheSilentConnections(t *testing.T) {
	s := newH2C(t)
	for number := range 2 {
		require.NoError(t, ask(t.Context(), s.origin, newRequest(t, http.MethodGet, nil), Attempt{Number: number}).err)
	}
	s.goSilent()
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan got, 1)
	began := time.Now()
	r := newRequest(t, http.MethodGet, nil)
	go func() { first <- ask(ctx, s.origin, r, Attempt{}) }()
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.seen) == 3 }, 10*time.Second, time.Millisecond)
	require.NoError(t, ask(t.Context(), s.origin, newRequest(t, http.MethodGet, nil), Attempt{Number: 1, Beside: began}).err)
	require.NoError(t, ask(t.Context(), s.origin, newRequest(t, http.MethodGet, nil), Attempt{}).err, "nor does a later first attempt use them")
	cancel()
	require.ErrorIs(t, (<-first).err, context.Canceled)
}

func TestOverHTTP2AnAttemptThatIsCutInSilenceTakesItsConnectionAlong(t *testing.T) {
	s := newH2C(t)
	require.NoError(t, ask(t.Context(), s.origin, newRequest(t, http.MethodGet, nil), Attempt{}).err)
	s.goSilent()
	s.origin.silence = 0
	ctx, cancel := context.WithCancel(t.Context())
	first, r := make(chan got, 1), newRequest(t, http.MethodGet, nil)
	go func() { first <- ask(ctx, s.origin, r, Attempt{}) }()
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.seen) == 2 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, (<-first).err, context.Canceled)
	require.NoError(t, ask(t.Context(), s.origin, newRequest(t, http.MethodGet, nil), Attempt{}).err)
}

func TestOverHTTP2AnotherAttemptThatIsCutSoonLeavesTheConnection(t *testing.T) {
	s := newH2C(t)
	require.NoError(t, ask(t.Context(), s.origin, newRequest(t, http.MethodGet, nil), Attempt{}).err)
	kept := s.last()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, ask(ctx, s.origin, newRequest(t, http.MethodGet, nil), Attempt{}).err)
	require.NoError(t, ask(t.Context(), s.origin, newRequest(t, http.MethodGet, nil), Attempt{}).err)
	assert.Equal(t, kept, s.last())
}

// lateWriter is a connection whose writes end late when they are held up.
type lateWriter struct {
	net.Conn

	held chan struct{} // closed when they may end
	hold atomic.Bool
}

func (l *lateWriter) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	if l.hold.Load() {
		<-l.held
	}
	return n, err
}

func TestOverHTTP2ARequestWhoseAnswerOvertakesTheEndOfItsWriteHasBeenSent(t *testing.T) {
	s := newH2C(t)
	s.body = "well" // net/http waits for the end of the write when there is none
	late := &lateWriter{held: make(chan struct{})}
	connect := s.origin.dialer.connect
	s.origin.dialer.connect = func(ctx context.Context, address string) (net.Conn, error) {
		socket, err := connect(ctx, address)
		late.Conn = socket
		return late, err
	}
	require.NoError(t, ask(t.Context(), s.origin, newRequest(t, http.MethodGet, nil), Attempt{}).err)
	late.hold.Store(true)
	response, sent, err := s.origin.Do(t.Context(), newRequest(t, http.MethodGet, nil), Attempt{})
	close(late.held)
	require.NoError(t, err)
	assert.Equal(t, 1, sent)
	response.End()
}

func TestOverHTTP2ARequestThatIsAnsweredBeforeItsBodyHasGoneHasBeenSent(t *testing.T) {
	s := newH2C(t)
	s.refuse = true
	response, sent, err := s.origin.Do(t.Context(), newRequest(t, http.MethodPost, make([]byte, 4<<20)), Attempt{})
	require.NoError(t, err)
	assert.Equal(t, http.StatusRequestEntityTooLarge, response.Status)
	assert.Equal(t, 1, sent)
	response.End()
}

func TestAnOriginFindsOutWhichProtocolTheOtherSideSpeaks(t *testing.T) {
	for _, set := range []struct {
		offered  bool
		protocol Protocol
		want     string
	}{{true, Auto, "HTTP/2.0"}, {false, Auto, "HTTP/1.1"}, {true, HTTP1, "HTTP/1.1"}} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Proto", r.Proto) }))
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of dials that nobody needed any more
		server.EnableHTTP2 = set.offered
		server.StartTLS()
		u, err := url.Parse(server.URL)
		require.NoError(t, err)
		roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		o := NewOrigin(Settings{URL: u, MaxConnections: 8, Roots: roots, Protocol: set.protocol})
		r := newRequest(t, http.MethodGet, nil)
		var calls sync.WaitGroup
		for number := range 6 { // all at once, before anybody knows
			calls.Go(func() {
				a := ask(t.Context(), o, r, Attempt{Number: number % 3})
				assert.Equal(t, set.want, a.header.Get("Proto"), a.err)
			})
		}
		calls.Wait()
		o.Close()
		server.Close()
	}
}
