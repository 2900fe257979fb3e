package foreign

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is for what happens soon, on a busy machine too.
const patience = 30 * time.Second

// files are what every server has, and what clients send.
type files struct {
	folder string
	text   []byte // text.txt
	large  []byte // large.bin, 1 MiB that nothing can pack
}

func newFiles(t *testing.T) files {
	t.Helper()
	f := files{folder: t.TempDir(), text: bytes.Repeat([]byte("much text, that gzip makes little of\n"), 3000), large: make([]byte, 1<<20)}
	source := rand.NewChaCha8([32]byte{})
	_, _ = source.Read(f.large)
	require.NoError(t, os.Chmod(f.folder, 0o755))               //nolint:gosec // nginx's workers are another user's
	require.NoError(t, os.Chmod(filepath.Dir(f.folder), 0o755)) //nolint:gosec // the same
	f.write(t, "text.txt", f.text)
	f.write(t, "large.bin", f.large)
	return f
}

func (f files) path(name string) string { return filepath.Join(f.folder, name) }

func (f files) write(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(f.path(name), content, 0o644))
}

// begin runs a program until the test ends, and returns its first line when it is to print one.
func begin(t *testing.T, prints bool, command ...string) string {
	t.Helper()
	program := exec.Command(command[0], command[1:]...)
	var errors bytes.Buffer
	program.Stderr = &errors
	output, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	t.Cleanup(func() {
		_ = program.Process.Signal(syscall.SIGTERM)
		_ = program.Wait()
		if t.Failed() {
			t.Logf("%s: %s", command[0], &errors)
		}
	})
	if !prints {
		return ""
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err, errors.String())
	return strings.TrimSpace(line)
}

// local is an address of this machine.
func local(port string) string { return "127.0.0.1:" + port }

// freePort is a port that nobody listens on, for programs that cannot tell which one they chose.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

// fill writes a file of testdata with its names in {} filled in, and returns where.
func (f files) fill(t *testing.T, name string, values ...string) string {
	t.Helper()
	template, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	f.write(t, name, []byte(strings.NewReplacer(values...).Replace(string(template))))
	return f.path(name)
}

func waitFor(t *testing.T, addr string) {
	t.Helper()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, patience, 10*time.Millisecond, addr)
}

// startNode returns the addresses of a server in Node, for HTTP/1.1 and for HTTP/2.
func startNode(t *testing.T, f files) (plain, second string) {
	t.Helper()
	_, err := fmt.Sscan(begin(t, true, "node", "testdata/server.mjs", f.folder), &plain, &second)
	require.NoError(t, err)
	return local(plain), local(second)
}

func startPython(t *testing.T, f files) string {
	t.Helper()
	return local(begin(t, true, python, "testdata/server.py", f.folder))
}

// startNginx returns the addresses of an nginx, for HTTP/1.1 and for TLS with HTTP/2. What signs its certificate is in certificate.pem.
func startNginx(t *testing.T, f files) (plain, tls string) {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil)
	certificate := borrowed.TLS.Certificates[0]
	borrowed.Close()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	f.write(t, "certificate.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	f.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))

	port, tlsPort := freePort(t), freePort(t)
	config := f.fill(t, "nginx.conf", "{folder}", f.folder, "{port}", port, "{tls}", tlsPort)
	begin(t, false, "/usr/sbin/nginx", "-e", "stderr", "-c", config)
	waitFor(t, local(port))
	return local(port), local(tlsPort)
}

// startHAProxy runs a HAProxy with an API and a Hedgerow behind it. front and front2, of HTTP/1.1 and HTTP/2, lead to the latter.
func startHAProxy(t *testing.T, f files, api, hedgerow string) (port, front, front2 string) {
	t.Helper()
	port, front, front2 = freePort(t), freePort(t), freePort(t)
	config := f.fill(t, "haproxy.cfg", "{port}", port, "{front}", front, "{front2}", front2, "{api}", api, "{hedgerow}", hedgerow)
	begin(t, false, "/usr/sbin/haproxy", "-db", "-f", config)
	waitFor(t, local(port))
	return local(port), local(front), local(front2)
}

func TestTheConfigurationsAreGoodInTheEyesOfTheirPrograms(t *testing.T) {
	f := newFiles(t)
	startNginx(t, f) // which leaves the certificate
	output, err := exec.Command("/usr/sbin/nginx", "-t", "-e", "stderr", "-c", f.path("nginx.conf")).CombinedOutput()
	require.NoError(t, err, string(output))
	assert.NotContains(t, string(output), "[warn]")
	startHAProxy(t, f, "127.0.0.1:9", "127.0.0.1:9")
	output, err = exec.Command("/usr/sbin/haproxy", "-c", "-f", f.path("haproxy.cfg")).CombinedOutput()
	require.NoError(t, err, string(output))
	assert.NotContains(t, string(output), "WARNING")
}
