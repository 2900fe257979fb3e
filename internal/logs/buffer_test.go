package logs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stallingSink keeps what is written to it, each time after the gate has opened.
type stallingSink struct {
	gate    chan struct{}
	written bytes.Buffer
	writes  int
}

func (s *stallingSink) Write(p []byte) (int, error) {
	<-s.gate
	s.writes++
	return s.written.Write(p)
}

func TestALogWhoseReaderStallsKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &stallingSink{gate: make(chan struct{})}
		buffer := newBuffer(sink, lostLines)
		line := strings.Repeat("x", 1023) + "\n"
		began := time.Now()
		writeLine(t, buffer, line)
		synctest.Wait() // the first line is being written, and that stalls
		for range bufferLimit/len(line) + 5 {
			writeLine(t, buffer, line)
		}
		assert.Zero(t, time.Since(began))
		close(sink.gate)
		require.NoError(t, buffer.Close())
		lines := strings.SplitAfter(sink.written.String(), "\n")
		assert.Len(t, lines, 1+bufferLimit/len(line)+2)
		assert.Equal(t, "5 lost\n", lines[len(lines)-2])
	})
}

func TestALogWhoseReaderHasStalledDoesNotKeepTheProcessFromEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &stallingSink{gate: make(chan struct{})}
		buffer := newBuffer(sink, lostLines)
		writeLine(t, buffer, "1\n")
		began := time.Now()
		require.NoError(t, buffer.Close())
		assert.Equal(t, farewell, time.Since(began))
		close(sink.gate) // lets the buffer's goroutine end
	})
}

func TestALogLineIsWrittenAtOnceAndThoseThatFollowTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &stallingSink{gate: make(chan struct{})}
		close(sink.gate)
		buffer := newBuffer(sink, lostLines)
		writeLine(t, buffer, "1\n")
		synctest.Wait()
		assert.Equal(t, "1\n", sink.written.String())
		writeLine(t, buffer, "2\n")
		writeLine(t, buffer, "3\n")
		time.Sleep(pause)
		synctest.Wait()
		assert.Equal(t, "1\n2\n3\n", sink.written.String())
		assert.Equal(t, 2, sink.writes)
		writeLine(t, buffer, "4\n")
		require.NoError(t, buffer.Close())
		assert.Equal(t, "1\n2\n3\n4\n", sink.written.String())
	})
}

func lostLines(lost int) []byte { return fmt.Appendf(nil, "%d lost\n", lost) }

func writeLine(t *testing.T, buffer *buffer, line string) {
	t.Helper()
	n, err := buffer.Write([]byte(line))
	require.NoError(t, err)
	require.Equal(t, len(line), n)
}
