package faults

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"hedgerow/test/e2e/harness"
	"hedgerow/test/e2e/rawhttp"
	"hedgerow/test/faultserver"
)

func TestAnUpstreamThatRefusesConnectionsFailsTheAttemptIn20Milliseconds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	h := harness.Start(t, "EXPONEA_URL=http://"+listener.Addr().String()+"/")
	baseline := atRest(t, h)
	requireFailed(t, h, "connection refused", atOnce)
	requireNoLeak(t, h, baseline)
}

func TestARedirectToAnotherHostIsNeverFollowed(t *testing.T) {
	elsewhere := faultserver.New(t, healthy)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := start(t, faultserver.Status(status, "", "Location: "+elsewhere.URL))
		requireFailed(t, s.Hedgerow, "status "+strconv.Itoa(status), atOnce)
	}
	_, dialled := elsewhere.Connections()
	assert.Zero(t, dialled)
}

// nameServer says after a while that no name exists, until the test ends. It returns its address.
func nameServer(t *testing.T, ip string, wait time.Duration) {
	t.Helper()
	conn, err := net.ListenPacket("udp", ip+":53")
	require.NoError(t, err, "the tests must run as root")
	t.Cleanup(func() { _ = conn.Close() })
	go func() { // ends with the connection
		buffer := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil {
				continue
			}
			m.Response, m.RCode, m.Additionals = true, dnsmessage.RCodeNameError, nil
			answer, _ := m.Pack()
			time.AfterFunc(wait, func() { _, _ = conn.WriteTo(answer, from) })
		}
	}()
}

func TestAnUnknownHostFailsTheAttemptAsSoonAsTheResolverSaysSo(t *testing.T) {
	const resolver, wait = "127.0.0.153", 100 * time.Millisecond
	nameServer(t, resolver, wait)
	settings := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(settings, []byte("nameserver "+resolver+"\n"), 0o600))
	h := harness.StartUnder(t, []string{
		"unshare", "--mount", "sh", "-ec", `mount --bind "$0" /etc/resolv.conf; exec "$@"`, settings,
	}, "EXPONEA_URL=http://upstream.invalid/")
	baseline := atRest(t, h)
	// The first attempt of smart has the resolver say so before its hedges ask.
	requireFailed(t, h, "unknown host", 2*wait+noise)
	quickest(t, wait+20*time.Millisecond, "first", func() time.Duration {
		a := get(t, h, "/api/first"+longTimeout)
		assert.GreaterOrEqual(t, a.took, wait)
		return a.took
	})
	requireNoLeak(t, h, baseline)
}

func TestAnUpstreamThatBlackHolesTheSYNIsAnsweredAtTheDeadlineAndNeverHasMoreDialsThanTheConnectionLimit(t *testing.T) {
	addr := rawhttp.BlackHole(t)
	const limit = 12 // what the four strategies need at a time
	h := harness.Start(t, "EXPONEA_URL=http://"+addr+"/", fmt.Sprintf("HEDGEROW_MAX_IN_FLIGHT=%d", limit))
	baseline := atRest(t, h)
	most := mostSocketsTo(t, addr, synSent)
	for range 3 { // further calls wait for the dials of those before
		requireTimedOut(t, h)
	}
	dials := most()
	assert.Positive(t, dials)
	assert.LessOrEqual(t, dials, limit)
	requireNoLeak(t, h, baseline)
}

func TestADialThatIsNeverAnsweredIsGivenUpAfter2Seconds(t *testing.T) {
	addr := rawhttp.BlackHole(t)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	for _, host := range []string{addr, "localhost:" + port} { // a name's addresses are dialled in turn
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			h := harness.Start(t, "EXPONEA_URL=http://"+host+"/")
			a := get(t, h, "/api/first"+longTimeout)
			assert.Equal(t, http.StatusBadGateway, a.StatusCode)
			failed := "failed: could not connect"
			assert.Equal(t, []string{failed, failed, failed}, a.tell())
			assert.GreaterOrEqual(t, a.took, 2*time.Second)
		})
	}
}

func TestAConnectionThatTheUpstreamClosesAtTheMomentOfItsNextUseIsNoVisibleError(t *testing.T) {
	kept := faultserver.Head + "Content-Length: 10\r\n\r\n{\"time\":1}"
	for name, end := range map[string]faultserver.Behaviour{
		"closed":            faultserver.Close(),
		"reset":             faultserver.Reset(""),
		"closed in advance": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var used sync.Map
			s := start(t, func(conn net.Conn) bool {
				if _, again := used.LoadOrStore(conn, true); again {
					return end(conn)
				}
				return faultserver.Raw(kept, end != nil)(conn)
			})
			for i := range 25 {
				for _, path := range strategies {
					assert.Equal(t, http.StatusOK, get(t, s.Hedgerow, path+longTimeout).StatusCode, "%s %d", path, i)
				}
			}
			assert.Zero(t, metric(t, s.Hedgerow, "hedgerow_attempt_failures_total"))
			if end != nil {
				_, dialled := s.upstream.Connections()
				assert.Greater(t, s.upstream.Requests(), dialled, "connections were used again")
			}
		})
	}
}

func TestNoSocketPilesUpForAnUpstreamThatIgnoresDisconnectsAndHoldsTheSocket(t *testing.T) {
	var requests, mu = 0, sync.Mutex{}
	ended := make(chan struct{})
	defer close(ended) // before the server waits for its connections
	s := start(t, func(conn net.Conn) bool {
		mu.Lock()
		requests++
		answered := requests%3 == 0
		mu.Unlock()
		if answered {
			return healthy(conn)
		}
		<-ended
		return false
	}, "HEDGEROW_LOSER_GRACE=20ms")
	baseline := atRest(t, s.Hedgerow)
	addr := s.upstream.URL[len("http://") : len(s.upstream.URL)-len("/api/work")]
	for range 300 {
		get(t, s.Hedgerow, "/api/first?timeout=50")
	}
	_, dialled := s.upstream.Connections()
	require.Greater(t, dialled, 300, "most attempts were cut")
	requireIdle(t, s.Hedgerow)
	assert.LessOrEqual(t, socketsTo(t, addr, finWait1, finWait2, timeWait), 10)
	kept := baseline // at most one idle connection for each attempt of a call
	kept.sockets += 3
	kept.goroutines += 6
	requireNoLeak(t, s.Hedgerow, kept)
}
