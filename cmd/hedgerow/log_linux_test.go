package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"hedgerow/test/faultserver"
)

// surplus is an API that sends one byte too many behind each body.
var surplus = faultserver.Raw("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"time\": 160}\n", true)

// pipe returns both ends of a pipe or of a pair of sockets.
func pipe(t *testing.T, socket bool) (reader, writer *os.File) {
	t.Helper()
	var ends [2]int
	if socket {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		ends = pair
	} else {
		require.NoError(t, unix.Pipe2(ends[:], unix.O_CLOEXEC))
		_, err := unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, 4096) // is full soon
		require.NoError(t, err)
	}
	reader, writer = os.NewFile(uintptr(ends[0]), "reader"), os.NewFile(uintptr(ends[1]), "writer")
	t.Cleanup(func() { _ = reader.Close(); _ = writer.Close() })
	return reader, writer
}

// firstAddr reads the log up to the line that says where the service listens.
func firstAddr(t *testing.T, log *os.File) string {
	t.Helper()
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line map[string]any
		if json.Unmarshal(lines.Bytes(), &line) == nil && line["msg"] == listening {
			return line["addr"].(string)
		}
	}
	t.Fatal("it does not listen")
	return ""
}

// endByItself is end for a program that may hang.
func (p *process) endByItself(t *testing.T) int {
	t.Helper()
	timer := time.AfterFunc(20*time.Second, func() { _ = p.Process.Kill() })
	defer timer.Stop()
	return p.end(t)
}

func TestALogThatNobodyReadsHoldsNeitherCallsNorTheEnd(t *testing.T) {
	upstream := faultserver.New(t, surplus)
	reader, writer := pipe(t, false)
	p := startWith(t, writer, []string{"EXPONEA_URL=" + upstream.URL})
	url := "http://" + firstAddr(t, reader) // and nothing after that
	for range 300 {
		status, _ := get(t, url+"/api/first?timeout=5000")
		require.NotEqual(t, http.StatusGatewayTimeout, status)
	}
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, p.endByItself(t))
}

func TestAComplaintThatNobodyReadsDoesNotHoldTheEnd(t *testing.T) {
	reader, writer := pipe(t, false)
	upstream := faultserver.New(t, faultserver.Hang(""))
	p := startWith(t, writer, []string{"EXPONEA_URL=" + upstream.URL, "HEDGEROW_SHUTDOWN_TIMEOUT=1s"})
	url := "http://" + firstAddr(t, reader)
	go func() { _, _ = http.Get(url + "/api/first?timeout=60000") }()
	upstream.WaitForRequests(t, 3)
	for range 100 {
		get(t, url+"/nope")
	}
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, exitFailure, p.endByItself(t))
}

func TestAReaderOfTheLogThatGoesAwayTakesItsLinesAndNoCall(t *testing.T) {
	for name, socket := range map[string]bool{"pipe": false, "socket": true} {
		t.Run(name, func(t *testing.T) {
			upstream := faultserver.New(t, faultserver.Answer(5))
			reader, writer := pipe(t, socket)
			p := startWith(t, writer, []string{"EXPONEA_URL=" + upstream.URL})
			require.NoError(t, writer.Close()) // so that the program's end is the only one
			url := "http://" + firstAddr(t, reader)
			require.NoError(t, reader.Close())
			for range 2 {
				status, _ := get(t, url+"/api/first?timeout=5000")
				assert.Equal(t, http.StatusOK, status)
			}
			require.NoError(t, p.Process.Signal(syscall.SIGTERM))
			assert.Zero(t, p.endByItself(t))
		})
	}
}

func TestNothingOfWhatAnAPISendsBehindItsAnswersIsInTheLog(t *testing.T) {
	const surplus = "HTTP/1.1 200 another answer, with much in it"
	upstream := faultserver.New(t, faultserver.Raw("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"time\": 160}"+surplus, true))
	p := start(t, []string{"EXPONEA_URL=" + upstream.URL}, "--log-level=debug")
	url := "http://" + p.log.Wait(t, "msg", listening)["addr"].(string)
	for range 100 {
		status, _ := get(t, url+"/api/all?timeout=5000")
		require.Equal(t, http.StatusOK, status)
	}
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	assert.Zero(t, p.endByItself(t))
	for line := range strings.Lines(p.log.String()) {
		assert.True(t, json.Valid([]byte(line)), line)
	}
	assert.NotContains(t, p.log.String(), "another answer")
}
