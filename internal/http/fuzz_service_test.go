package http_test

import (
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/internal/forward"
	"hedgerow/internal/gateway"
	hedgerow "hedgerow/internal/http"
	"hedgerow/internal/listen"
)

// fuzzed is the whole chain of handlers in front of APIs that keep the bytes they get.
type fuzzed struct {
	wires wires
	apis  map[string]*rawAPI
	log   *panicLog
}

// newFuzzed serves a file. %name% in it stands for the address of an API of that name.
func newFuzzed(f *testing.F, text string, names ...string) *fuzzed {
	f.Helper()
	fz := &fuzzed{wires: make(wires), apis: map[string]*rawAPI{}, log: &panicLog{}}
	for _, name := range names {
		fz.apis[name] = newRawAPI(f)
		text = strings.ReplaceAll(text, "%"+name+"%", fz.apis[name].Addr().String())
	}
	logger := slog.New(slog.NewJSONHandler(fz.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g := gateway.New(parseFile(f, text), gateway.Settings{
		UserAgent: "hedgerow/test", LoserGrace: 10 * time.Millisecond, MaxInFlight: 100, Logger: logger,
	})
	server := listen.NewServer(newRouter(f, hedgerow.Settings{
		Gateway: g, Buffer: gateway.NewBuffer(64 << 20), Via: forward.NewVia(pseudonym), Logger: logger, Producers: 3, MaxTimeout: maxTimeout,
		Ready:       func() bool { return true },
		ObserveCall: func(hedgerow.ObservedCall) {},
	}), maxTimeout, logger)
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateActive {
			conn.(*wire).begins()
		}
	}
	log.SetOutput(io.Discard) // net/http tells it of bytes behind answers
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(fz.wires) })
	f.Cleanup(func() {
		log.SetOutput(os.Stderr)
		close(fz.wires)
		_ = server.Close()
		serving.Wait()
		g.Close()
	})
	return fz
}

// exchange sends a caller's bytes on a connection of their own and returns what came back. While that takes long, late is called now
// and then, if there is one.
func (fz *fuzzed) exchange(t *testing.T, sends string, late func()) string {
	t.Helper()
	w, pause, end := newWire(sends), time.NewTicker(2*time.Millisecond), time.After(30*time.Second)
	defer pause.Stop()
	fz.wires <- w
	for ended := false; !ended; {
		select {
		case <-w.done:
			ended = true
		case <-pause.C:
			if late != nil {
				late()
			}
		case <-end:
			t.Fatalf("no end of the answer to %q; so far %q", sends, w.got.String())
		}
	}
	require.Empty(t, fz.log.take(), "a panic")
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.got.String()
}

// panicLog keeps the lines about panics.
type panicLog struct {
	mu    sync.Mutex
	lines string
}

func (l *panicLog) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "panic") {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines += string(line)
	}
	return len(line), nil
}

func (l *panicLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = ""
	return lines
}

// rawAPI is an API that keeps the bytes of each request. All that comes on a connection belongs to some request.
type rawAPI struct {
	net.Listener

	mu       sync.Mutex
	received []string
	conns    map[net.Conn]bool // those with true have been answered on
	reply    func(request string) string
}

const healthy = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nX-Api: 1\r\n\r\n{}"

func newRawAPI(t testing.TB) *rawAPI {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	a := &rawAPI{Listener: listener, conns: map[net.Conn]bool{}, reply: func(string) string { return healthy }}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			a.mu.Lock()
			a.conns[conn] = false
			a.mu.Unlock()
			serving.Go(func() { a.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		a.end()
		serving.Wait()
	})
	return a
}

func (a *rawAPI) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.conns, conn)
	}()
	buffer, came := make([]byte, 16<<10), ""
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		came += string(buffer[:n])
		if !complete(came) {
			continue
		}
		if err := a.answer(conn, came); err != nil {
			return
		}
		came = ""
	}
}

func (a *rawAPI) answer(conn net.Conn, request string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.received = append(a.received, request)
	_, err := io.WriteString(conn, a.reply(request)) // which the socket's buffer has room for
	a.conns[conn] = true
	return err
}

// complete tells whether a request has its head and as much of a body as that says.
func complete(request string) bool {
	head, body, found := strings.Cut(request, "\r\n\r\n")
	if !found {
		return false
	}
	for line := range strings.SplitSeq(strings.ToLower(head), "\r\n") {
		if value, ok := strings.CutPrefix(line, "content-length:"); ok {
			length, err := strconv.Atoi(strings.TrimSpace(value))
			return err != nil || len(body) >= length
		}
	}
	return true
}

// take returns the requests since the last time.
func (a *rawAPI) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	received := a.received
	a.received = nil
	return received
}

// hangUp closes the connections on which it has answered.
func (a *rawAPI) hangUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for conn, answered := range a.conns {
		if answered {
			_ = conn.Close()
		}
	}
}

func (a *rawAPI) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for conn := range a.conns {
		_ = conn.Close()
	}
}
