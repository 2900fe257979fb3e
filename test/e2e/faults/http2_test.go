package faults

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"hedgerow/test/e2e/harness"
)

// withHTTP2 runs a test with an HTTP/2 API over TLS, and again in clear text.
func withHTTP2(t *testing.T, behave func(http2Stream), test func(*testing.T, *harness.Hedgerow, *http2Server)) {
	t.Helper()
	t.Run("TLS", func(t *testing.T) {
		a := newAuthority(t)
		listener := listenTLS(t, a.sign(t, "127.0.0.1", time.Now().Add(time.Hour)), "h2")
		server := serveHTTP2(t, listener, behave)
		test(t, harness.Start(t, "EXPONEA_URL=https://"+listener.Addr().String()+"/", "SSL_CERT_FILE="+a.file(t), "HEDGEROW_LOG_LEVEL=debug"), server)
	})
	t.Run("clear text", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		server := serveHTTP2(t, listener, behave)
		test(t, harness.Start(t, "EXPONEA_URL=http://"+listener.Addr().String()+"/", "HEDGEROW_H2C=true", "HEDGEROW_LOG_LEVEL=debug"), server)
	})
}

// requireAnswers checks that calls by every strategy are answered, all and within-timeout with that many successes.
func requireAnswers(t *testing.T, h *harness.Hedgerow, successes string) {
	t.Helper()
	want := map[string]string{
		"/api/first": `{"time":1}`, "/api/smart": `{"time":1}`, "/api/all": successes, "/api/within-timeout": successes,
	}
	for path, body := range want {
		a := get(t, h, path+longTimeout)
		assert.Equal(t, http.StatusOK, a.StatusCode, path)
		assert.Equal(t, body, a.body, path)
	}
}

const three = `[{"time":1},{"time":1},{"time":1}]`

func TestAnHTTP2StreamThatIsRefusedIsMadeAgainAndTheOtherAttemptsGoOn(t *testing.T) {
	withHTTP2(t, func(s http2Stream) {
		if s.overall%3 == 1 {
			s.reset(http2.ErrCodeRefusedStream)
			return
		}
		s.answer()
	}, func(t *testing.T, h *harness.Hedgerow, server *http2Server) {
		for range 2 {
			requireAnswers(t, h, three)
		}
		assertRequests(t, server, 2*(3+1+3+3)+5)
		assert.Zero(t, metric(t, h, "hedgerow_attempt_failures_total"))
	})
}

func TestAnAnswerOverHTTP2IsReadToItsEndAndItsStreamIsNotReset(t *testing.T) {
	withHTTP2(t, http2Stream.answerAndEnd, func(t *testing.T, h *harness.Hedgerow, server *http2Server) {
		for range 5 {
			requireAnswers(t, h, three)
			requireIdle(t, h) // the losers of first have been answered
		}
		server.mu.Lock()
		defer server.mu.Unlock()
		assert.Zero(t, server.resets)
	})
}

func TestAnHTTP2StreamThatIsResetFailsItsAttemptAndTheOthersGoOn(t *testing.T) {
	withHTTP2(t, func(s http2Stream) {
		if s.overall%3 == 0 {
			s.reset(http2.ErrCodeInternal)
			return
		}
		s.answer()
	}, func(t *testing.T, h *harness.Hedgerow, _ *http2Server) {
		const two = `[{"time":1},{"time":1}]`
		for range 5 {
			for path, body := range map[string]string{"/api/all": two, "/api/within-timeout": two, "/api/first": `{"time":1}`} {
				assert.Equal(t, body, get(t, h, path+longTimeout).body, path)
				requireIdle(t, h) // the losers of first have been sent
			}
		}
		assert.Equal(t, 5*3, metric(t, h, "hedgerow_attempt_failures_total"))
	})
}

func TestHTTP2StreamsThatAreRefusedForeverEndByTheContract(t *testing.T) {
	withHTTP2(t, func(s http2Stream) { s.reset(http2.ErrCodeRefusedStream) }, func(t *testing.T, h *harness.Hedgerow, _ *http2Server) {
		for path, a := range atATime(t, h, strategies, "?timeout=400") {
			assert.LessOrEqual(t, a.took, 600*time.Millisecond, path)
			if path == "/api/within-timeout" {
				assert.Equal(t, http.StatusOK, a.StatusCode)
				assert.Equal(t, "[]", a.body)
				continue
			}
			assert.Contains(t, []int{http.StatusBadGateway, http.StatusGatewayTimeout}, a.StatusCode, path)
		}
		requireIdle(t, h)
	})
}

// Two connections leave streams behind at most: an attempt is sent three times, and would fail if all three were left behind.
func TestAnHTTP2GoAwayMovesTheStreamsThatItLeavesBehindAndTheOthersGoOn(t *testing.T) {
	for name, behave := range map[string]func(http2Stream){
		"at the third request of two connections, which these do not take": func(s http2Stream) {
			if s.ofConn == 2 && s.number < 2 {
				s.goAway(s.id-2, http2.ErrCodeNo)
				return
			}
			s.answer()
		},
		"at every third request of a connection, which it answers": func(s http2Stream) {
			if s.ofConn == 2 {
				s.goAway(s.id, http2.ErrCodeNo)
			}
			s.answer()
		},
		"with an error at the third request of two connections": func(s http2Stream) {
			if s.ofConn == 2 && s.number < 2 {
				s.goAway(s.id-2, http2.ErrCodeEnhanceYourCalm)
				return
			}
			s.answer()
		},
		"at the first request of two connections": func(s http2Stream) {
			if s.ofConn == 0 && s.number < 2 {
				s.goAway(0, http2.ErrCodeNo)
				return
			}
			s.answer()
		},
	} {
		t.Run(name, func(t *testing.T) {
			withHTTP2(t, behave, func(t *testing.T, h *harness.Hedgerow, _ *http2Server) {
				for range 3 {
					requireAnswers(t, h, three)
				}
				assert.Zero(t, metric(t, h, "hedgerow_attempt_failures_total"))
			})
		})
	}
}

func TestAnHTTP2GoAwayWithAnErrorFailsTheAttemptThatMetItAndTheOthersGoOn(t *testing.T) {
	withHTTP2(t, func(s http2Stream) {
		if s.overall == 0 {
			s.goAway(0, http2.ErrCodeEnhanceYourCalm)
			return
		}
		s.answer()
	}, func(t *testing.T, h *harness.Hedgerow, _ *http2Server) {
		// It is sent again when the GOAWAY comes before the request is known to be written.
		body := get(t, h, "/api/all"+longTimeout).body
		require.Contains(t, []string{`[{"time":1},{"time":1}]`, `[{"time":1},{"time":1},{"time":1}]`}, body)
		requireAnswers(t, h, three)
		assert.Equal(t, 3-strings.Count(body, "time"), metric(t, h, "hedgerow_attempt_failures_total", "reason", "invalid response"))
	})
}

func TestAnHTTP2APIThatTakesNoRequestIsAskedThreeTimesByAnAttemptAtMost(t *testing.T) {
	for name, refuse := range map[string]func(http2Stream){
		"it goes away":   func(s http2Stream) { s.goAway(0, http2.ErrCodeNo) },
		"it refuses all": func(s http2Stream) { s.reset(http2.ErrCodeRefusedStream) },
	} {
		t.Run(name, func(t *testing.T) {
			withHTTP2(t, refuse, func(t *testing.T, h *harness.Hedgerow, server *http2Server) {
				assert.Equal(t, http.StatusBadGateway, get(t, h, "/api/first"+longTimeout).StatusCode)
				assert.LessOrEqual(t, server.requests(), 3*3)
				// Three may be dialled at once before it is known that one would do.
				assert.LessOrEqual(t, metric(t, h, "hedgerow_upstream_connections_total"), 3*3+3)
			})
		})
	}
}
