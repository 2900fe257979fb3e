// Package probe asks a running service whether it is well. It needs nothing but net: a health check is a process of its own every few
// seconds, and what it links is what it costs.
package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// maxStatusLine is the longest status line that is read, in bytes.
const maxStatusLine = 1 << 10

// Ask sends GET for path to the service at addr, host:port. Without a host, or with one that means every address, it asks 127.0.0.1. The
// error is nil when the answer has come within the timeout and its status is 200.
func Ask(addr, path string, timeout time.Duration) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s is not an address: %w", addr, err)
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	addr = net.JoinHostPort(host, port)
	deadline := time.Now().Add(timeout)
	connection, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := io.WriteString(connection, "GET "+path+" HTTP/1.0\r\nHost: "+addr+"\r\n\r\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(io.LimitReader(connection, maxStatusLine)).ReadString('\n')
	if err != nil {
		return errors.Join(fmt.Errorf("http://%s%s gave no answer", addr, path), err)
	}
	version, status, _ := strings.Cut(strings.TrimSpace(line), " ")
	if code, _, _ := strings.Cut(status, " "); !strings.HasPrefix(version, "HTTP/1.") || code != "200" {
		return fmt.Errorf("http://%s%s answered %s", addr, path, status)
	}
	return nil
}
