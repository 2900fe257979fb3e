package soak

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// hungUp stands for the status of a call whose caller did not wait for it.
const hungUp = 0

var endpoints = []string{"all", "first", "within-timeout", "smart"}

// caller makes one call after the other on a connection of its own.
type caller struct {
	addr     string
	patient  bool
	statuses map[int]int64

	conn   net.Conn // nil when there is none
	reader *bufio.Reader
}

// call makes one call: one in 20 with a bad timeout, one in 20 without waiting for the answer unless the caller is patient.
func (c *caller) call(random *rand.Rand) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			return err
		}
		c.conn, c.reader = conn, bufio.NewReaderSize(conn, 1024)
	}
	timeout := fmt.Sprint(20 + random.IntN(60))
	if c.patient {
		timeout = "20000"
	}
	if random.IntN(20) == 0 {
		timeout = "1.5"
	}
	request := fmt.Sprintf("GET /api/%s?timeout=%s HTTP/1.1\r\nHost: hedgerow\r\n\r\n", endpoints[random.IntN(len(endpoints))], timeout)
	if _, err := io.WriteString(c.conn, request); err != nil {
		return err
	}
	if !c.patient && random.IntN(20) == 0 {
		time.Sleep(time.Duration(1+random.IntN(20)) * time.Millisecond)
		c.hangUp()
		c.statuses[hungUp]++
		return nil
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	c.statuses[response.StatusCode]++
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func (c *caller) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
