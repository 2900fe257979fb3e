package transport

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/faultserver"
)

// gathering is a socket that writes in one piece what it has gathered.
type gathering struct {
	net.Conn

	gathers bool
	text    bytes.Buffer
}

func (g *gathering) Write(p []byte) (int, error) {
	if g.gathers {
		return g.text.Write(p)
	}
	return g.Conn.Write(p)
}

func (g *gathering) flush() {
	g.gathers = false
	_, _ = g.Conn.Write(g.text.Bytes())
}

// surplus answers each request with its path, padded to a size. Behind the first answer it writes another one, in a record of its own or in
// the same, but in one piece with the first.
func surplus(socket net.Conn, config *tls.Config, size int, ofItsOwn bool) {
	const behind = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
	defer socket.Close()
	g := &gathering{Conn: socket}
	secure := tls.Server(g, config)
	r := bufio.NewReader(secure)
	for i := 0; ; i++ {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body := request.URL.Path + strings.Repeat("x", max(0, size-len(request.URL.Path)))
		answer := ok + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
		g.gathers = i == 0
		switch {
		case i > 0:
			_, _ = io.WriteString(secure, answer)
			continue
		case ofItsOwn:
			_, _ = io.WriteString(secure, answer)
			_, _ = io.WriteString(secure, behind)
		default:
			_, _ = io.WriteString(secure, answer+behind)
		}
		g.flush()
	}
}

func TestSurplusThatTLSHasReadAheadIsNobodysAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		size     int
		ofItsOwn bool
	}{"in the record of the answer": {12_000, false}, "in the next record": {2, true}} {
		for version, number := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
			t.Run(name+", TLS "+version, func(t *testing.T) {
				certified := httptest.NewTLSServer(nil)
				t.Cleanup(certified.Close)
				config := &tls.Config{Certificates: certified.TLS.Certificates, DynamicRecordSizingDisabled: true, MaxVersion: number}
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				faultserver.Accept(t, listener, func(c net.Conn) { surplus(c, config, test.size, test.ofItsOwn) })
				roots := x509.NewCertPool()
				roots.AddCert(certified.Certificate())
				o := NewOrigin(Settings{URL: &url.URL{Scheme: "https", Host: listener.Addr().String()}, Roots: roots, Protocol: HTTP1})
				t.Cleanup(o.Close)
				for _, path := range []string{"/a", "/b", "/c"} {
					r, err := NewRequest(http.MethodGet, path, "api.example", nil, nil)
					require.NoError(t, err)
					response, _, err := o.Do(t.Context(), r, Attempt{})
					require.NoError(t, err)
					body := make([]byte, 64<<10) // has room for a record, which then is read past the buffer
					n, err := io.ReadFull(response, body)
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
					response.End()
					assert.Equal(t, path, strings.TrimRight(string(body[:n]), "x"))
				}
			})
		}
	}
}

func TestAConnectionThatHasWaitedUnusedAndEndsIsStale(t *testing.T) {
	server := faultserver.New(t, faultserver.Close(), faultserver.Raw(ok+two, true))
	o := newOrigin(t, server)
	c, err := o.dialHTTP1(t.Context(), 0)
	require.NoError(t, err)
	o.pool.add(c) // as a dial does whose attempt has got another connection
	a := ask(t.Context(), o, newRequest(t, http.MethodGet, nil), Attempt{})
	require.NoError(t, a.err)
	assert.Equal(t, 2, a.sent)
}
