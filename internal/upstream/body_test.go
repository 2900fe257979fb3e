package upstream

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
	"hedgerow/test/faultserver"
)

func answered200(text string, length int64) *message {
	return &message{http.Header{}, length, strings.NewReader(text)}
}

func TestABodyIsReadAtMostOneByteOverTheLimit(t *testing.T) {
	const limit = 100
	text := strings.Repeat(" ", 10_000)
	zipped := answered200(string(gzipped(text)), -1)
	zipped.header.Set("Content-Encoding", "GZIP")
	for name, response := range map[string]*message{
		"chunked": answered200(text, -1), "with a length": answered200(text, int64(len(text))), "packed": zipped,
	} {
		read, err := readBody(response, limit)
		require.NoError(t, err, name)
		assert.Len(t, read, limit+1, name)
	}
}

// asked is a body of no bytes. It notes how much room the first read offers.
type asked struct{ room int }

func (a *asked) Read(room []byte) (int, error) {
	if a.room == 0 {
		a.room = len(room)
	}
	return 0, io.EOF
}

func TestMemoryForAPromisedBodyIsTakenInAdvanceOnlyWhenItIsSmall(t *testing.T) {
	const limit = 10_000
	for _, test := range []struct {
		promised, limit int64
		exactly         bool
	}{
		{-1, limit, false}, {0, limit, true}, {10, limit, true}, {smallBody, limit, true}, {smallBody + 1, limit, false}, {limit, limit, false},
		{1 << 40, 1 << 50, false}, {700, 700, true}, {701, 700, false},
	} {
		var body asked
		_, _ = readBody(&message{http.Header{}, test.promised, &body}, test.limit)
		if test.exactly {
			assert.EqualValues(t, test.promised+1, body.room, "%+v: one byte more, to see the end", test)
		} else {
			assert.LessOrEqual(t, body.room, 701, "%+v", test)
		}
	}
}

func TestABodyThatIsNotAsLongAsItsLengthIsIncomplete(t *testing.T) {
	const text = `{"time":1}`
	for _, length := range []int64{1, int64(len(text)) - 1, int64(len(text)) + 1} {
		_, err := readTime(answered200(text, length), 1000)
		var failure *fanout.Failure
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, kindIncomplete, failure.Reason.Kind, length)
	}
}

func TestABodyThatCannotBeReadSaysWhatWentWrong(t *testing.T) {
	const text = `{"time":1}`
	broken := answered200(text, int64(len(text)))
	broken.body = io.MultiReader(strings.NewReader(text), iotest.ErrReader(syscall.ECONNRESET))
	notPacked := answered200(text, int64(len(text)))
	notPacked.header.Set("Content-Encoding", "gzip")
	for kind, response := range map[fanout.Kind]*message{kindReset: broken, kindCorrupt: notPacked} {
		_, err := readTime(response, 1000)
		var failure *fanout.Failure
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, kind, failure.Reason.Kind)
	}
}

func TestNoStatusBut200IsASuccess(t *testing.T) {
	for _, status := range []int{201, 203, 206, 299, 304, 400, 500} {
		err := failureOf(t, faultserver.Status(status, `{"time":1}`))
		assert.Equal(t, fanout.Reason{Kind: kindStatus, Code: status}, err.Reason)
	}
}

func TestARequestThatCannotBeWrittenIsAFailedAttempt(t *testing.T) {
	client := New(Settings{URLs: []*url.URL{{Scheme: "http", Host: "h"}}, UserAgent: "a\r\nb", MaxConnections: 1})
	t.Cleanup(client.Close)
	_, err := client.Fetch(t.Context(), fanout.Attempt{})
	var failure *fanout.Failure
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, kindInvalidResponse, failure.Reason.Kind)
	assert.Error(t, failure.Err)
}

func TestABodyThatIsTooLargeEndsItsConnection(t *testing.T) {
	ended := make(chan error, 1)
	err := failureOf(t, func(conn net.Conn) bool {
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		for err == nil {
			_, err = conn.Write(make([]byte, 1000))
		}
		ended <- err
		return false
	})
	assert.Equal(t, kindTooLarge, err.Reason.Kind)
	select {
	case <-ended:
	case <-time.After(3 * time.Second):
		t.Error("the connection is still open")
	}
}

// failureOf makes an attempt, which has to fail.
func failureOf(t *testing.T, behaviour faultserver.Behaviour) *fanout.Failure {
	t.Helper()
	server := faultserver.New(t, behaviour)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	client := New(Settings{URLs: []*url.URL{u}, MaxBody: 1000, MaxConnections: 8})
	t.Cleanup(client.Close)
	_, err = client.Fetch(t.Context(), fanout.Attempt{})
	var failure *fanout.Failure
	require.ErrorAs(t, err, &failure)
	return failure
}

func TestTheLogIsToldWhyABodyIsInvalid(t *testing.T) {
	for text, why := range map[string]string{"": "unexpected end of JSON input", "{}": "no member time", `{"time":"1"}`: "invalid syntax", `{"time":1`: "unexpected end"} {
		_, err := readTime(answered200(text, int64(len(text))), 1000)
		var failure *fanout.Failure
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, kindInvalidBody, failure.Reason.Kind)
		require.ErrorContains(t, failure.Err, why)
	}
}

func TestABodyWithNothingButATimeIsReadWithoutMemory(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
	}{
		{`{"time":160}`, 160}, {" {\t\"time\" :\r\n160 } \n", 160}, {`{"time":0}`, 0}, {`{"time":9}`, 9}, {`{"time":999999999999999999}`, 999999999999999999},
	} {
		text := []byte(test.text)
		value, ok := parseUsual(text)
		assert.True(t, ok, test.text)
		assert.Equal(t, test.want, value, test.text)
		assert.Zero(t, testing.AllocsPerRun(10, func() { _, _ = parseTime(text) }), test.text)
	}
}

// FuzzParseUsual: where the short way reads a time, the long way reads the same.
func FuzzParseUsual(f *testing.F) {
	for _, text := range []string{
		`{"time":160}`, " {\t\"time\" :\r\n160 } ", `{"time":0}`, `{"time":007}`, `{"time":-1}`, `{"time":1}}`, `{"time":}`, `{"time":1 2}`,
		`{"time":999999999999999999}`, `{"time":9999999999999999999}`, `{"time":1,"x":2}`, `{"time":1e2}`, `["time":1}`, `"time":1}`, `{:1}`, `{"time"1}`, `{"Time":1}`, "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		short, ok := parseUsual(text)
		if !ok {
			return
		}
		var object map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &object))
		long, err := strconv.ParseInt(string(object["time"]), 10, 64)
		require.NoError(t, err)
		assert.Equal(t, long, short)
		assert.Len(t, object, 1)
	})
}

func BenchmarkParseTime(b *testing.B) {
	for name, text := range map[string]string{"usual": `{"time": 160}`, "other": `{"time": 160, "x": 1}`} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parseTime([]byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
