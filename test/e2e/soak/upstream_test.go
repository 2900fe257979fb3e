package soak

import (
	"bufio"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// fault is what the upstream does to one request in share instead of answering it well.
type fault struct {
	share  uint64
	answer faultserver.Behaviour
}

var faults = []fault{
	{20, faultserver.Status(http.StatusInternalServerError, "{}")},
	{30, faultserver.Status(http.StatusTooManyRequests, "{}")},
	{30, faultserver.Status(http.StatusNotFound, "<html>")},
	{40, faultserver.JSON(`{"time":"1"}`)},
	{40, faultserver.After(60*time.Millisecond, faultserver.Answer(3))},
	{50, faultserver.Close()},
	{50, faultserver.Reset("")},
	{50, faultserver.Reset("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")},
	{50, faultserver.Raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", false)},
	{50, faultserver.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false)},
	{60, faultserver.Status(http.StatusOK, "no gzip", "Content-Encoding: gzip")},
	{60, faultserver.Raw("garbage\r\n\r\n", false)},
}

// hangs are the faults that end only when the attempt is cut.
var hangs = []fault{
	{80, faultserver.Hang("")},
	{80, faultserver.Hang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")},
}

// upstream answers the n-th request in a way that depends on n and the seed alone.
type upstream struct {
	listener    net.Listener
	connections *faultserver.Connections
	requests    atomic.Uint64
	hanging     atomic.Bool // some requests are never answered
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	u := &upstream{listener: listener}
	u.connections = faultserver.Accept(t, listener, u.serve)
	return u
}

func (u *upstream) serve(conn net.Conn) {
	reader := bufio.NewReaderSize(conn, 1024)
	for {
		if _, err := http.ReadRequest(reader); err != nil {
			return
		}
		if !u.answer(u.requests.Add(1))(conn) {
			return
		}
	}
}

// answer is a fault or, mostly, a good answer after up to 3 ms.
func (u *upstream) answer(n uint64) faultserver.Behaviour {
	random := rand.New(rand.NewPCG(seed, n))
	of := faults
	if u.hanging.Load() {
		of = slices.Concat(faults, hangs)
	}
	for _, f := range of {
		if random.Uint64N(f.share) == 0 {
			return f.answer
		}
	}
	return faultserver.After(time.Duration(random.Int64N(int64(3*time.Millisecond))), faultserver.Answer(2))
}
