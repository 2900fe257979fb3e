package live

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipes is a listener whose connections are pipes in memory: what is written waits until it is read.
type pipes struct{ accepted chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p.accepted
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (p pipes) Close() error   { close(p.accepted); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// served runs a test in fake time with a page that is served, by a server whose answers would have to be written within a second.
func served(t *testing.T, test func(t *testing.T, p *Page, dial func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		p := newPage()
		listener := pipes{make(chan net.Conn)}
		server := &http.Server{Handler: p, WriteTimeout: time.Second, ReadHeaderTimeout: time.Second}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = server.Serve(listener) }()
		test(t, p, func() net.Conn {
			client, conn := net.Pipe()
			listener.accepted <- conn
			_, err := client.Write([]byte("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"))
			require.NoError(t, err)
			return client
		})
		require.NoError(t, server.Close())
		<-ended
	})
}

// reader reads a stream's lines.
type reader struct {
	t     *testing.T
	lines *bufio.Scanner
}

func newReader(t *testing.T, conn net.Conn) *reader { return &reader{t, bufio.NewScanner(conn)} }

// next returns the data of the next event, which must have this name.
func (r *reader) next(name string) string {
	r.t.Helper()
	for r.lines.Scan() {
		if event, ok := strings.CutPrefix(r.lines.Text(), "event: "); ok {
			require.Equal(r.t, name, event)
			require.True(r.t, r.lines.Scan())
			data, ok := strings.CutPrefix(r.lines.Text(), "data: ")
			require.True(r.t, ok, r.lines.Text())
			return data
		}
	}
	require.Fail(r.t, "the stream has ended", "%v", r.lines.Err())
	return ""
}

func TestAStreamTellsWhoItIsThenFiguresAndCalls(t *testing.T) {
	served(t, func(t *testing.T, p *Page, dial func() net.Conn) {
		answerWell(begin(p.history, "before"))
		p.figures.sample()
		conn := dial()
		defer func() { _ = conn.Close() }()
		r := newReader(t, conn)
		assert.Contains(t, r.next("about"), `"host":"replica-1"`)
		assert.Contains(t, r.next("apis"), `"api":"rates"`)
		assert.Contains(t, r.next("calls"), `"id":"before"`)

		time.Sleep(time.Minute) // a server's WriteTimeout would have ended it
		answerWell(begin(p.history, "after"))
		began := time.Now()
		data := r.next("calls")
		assert.LessOrEqual(t, time.Since(began), lookInterval)
		assert.Contains(t, data, `"id":"after"`)
		assert.NotContains(t, data, `"id":"before"`, "it has not changed")
		p.figures.sample()
		r.next("apis")
	})
}

func TestAReaderThatStallsIsCutAndHasHeldNobodyUp(t *testing.T) {
	served(t, func(t *testing.T, p *Page, dial func() net.Conn) {
		stalled := make([]net.Conn, 50)
		for i := range stalled {
			stalled[i] = dial()
		}
		conn := dial()
		defer func() { _ = conn.Close() }()
		r := newReader(t, conn)
		r.next("about")
		synctest.Wait()
		assert.Len(t, p.readers, 51)
		for range 20 {
			began := time.Now()
			answerWell(begin(p.history, "id"))
			assert.Zero(t, time.Since(began), "a call waits for nobody")
			assert.Contains(t, r.next("calls"), `"id":"id"`)
		}
		time.Sleep(writeTimeout)
		synctest.Wait()
		assert.Len(t, p.readers, 1, "those that read nothing are gone")
		for _, s := range stalled {
			_ = s.Close()
		}
	})
}

func TestAReaderThatGoesAwayLeavesNothing(t *testing.T) {
	served(t, func(t *testing.T, p *Page, dial func() net.Conn) {
		conn := dial()
		newReader(t, conn).next("about")
		require.NoError(t, conn.Close())
		synctest.Wait()
		assert.Empty(t, p.readers)
	})
}

func TestWhoAsksForTheHeadAloneHoldsNoPlace(t *testing.T) {
	p := newPage()
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections() // which a stream would hold
	response, err := http.Head(server.URL + "/events")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, "200 OK text/event-stream", response.Status+" "+response.Header.Get("Content-Type"))
	assert.Empty(t, p.readers)
}

func TestTooManyReadersAreTurnedAway(t *testing.T) {
	p := newPage()
	for range mostReaders {
		p.readers <- struct{}{}
	}
	w := get(p, "/events")
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, "5", w.Header().Get("Retry-After"))
	<-p.readers
	assert.Equal(t, http.StatusOK, get(p, "/events").Code)
	assert.Len(t, p.readers, mostReaders-1, "each gives its place back")
}

func TestWhereNoDeadlineCanBeSetNothingIsWritten(t *testing.T) {
	w := get(newPage(), "/events") // a recorder has none
	assert.Empty(t, w.Body)
}
