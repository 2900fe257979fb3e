package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// sample is one call as its caller saw it.
type sample struct {
	took   time.Duration
	status int
}

// samples of one run.
type samples struct {
	calls   []sample
	elapsed time.Duration
	errors  int
}

// closedLoop keeps n connections busy, each with one call after the other, for warmUp and then for d; only calls that begin after
// the warm-up count. It speaks raw HTTP/1.1, so that the load costs little of the machine that it measures. The connections begin
// one after the other over the first third of the warm-up: calls that all take the same time, such as those that end at their
// deadline, would otherwise stay in step for ever, and each wait for all others.
func closedLoop(addr, path string, n int, warmUp, d time.Duration) samples {
	now := time.Now()
	begin := now.Add(warmUp)
	end := begin.Add(d)
	perConn := make([]samples, n)
	var conns sync.WaitGroup
	for i := range n {
		conns.Go(func() {
			time.Sleep(time.Until(now.Add(warmUp / 3 * time.Duration(i) / time.Duration(n))))
			perConn[i] = oneConnection(addr, path, begin, end)
		})
	}
	conns.Wait()
	all := samples{elapsed: d}
	for _, s := range perConn {
		all.calls = append(all.calls, s.calls...)
		all.errors += s.errors
	}
	return all
}

func oneConnection(addr, path string, begin, end time.Time) samples {
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, addr)
	var s samples
	var conn net.Conn
	var reader *bufio.Reader
	for {
		start := time.Now()
		if start.After(end) {
			break
		}
		if conn == nil {
			var err error
			if conn, err = net.Dial("tcp", addr); err != nil {
				s.errors++
				time.Sleep(10 * time.Millisecond)
				continue
			}
			reader = bufio.NewReaderSize(conn, 2048)
			start = time.Now()
		}
		status, err := roundTrip(conn, reader, request)
		if err != nil {
			_ = conn.Close()
			conn = nil
			s.errors++
			continue
		}
		if start.After(begin) {
			s.calls = append(s.calls, sample{time.Since(start), status})
		}
	}
	if conn != nil {
		_ = conn.Close()
	}
	return s
}

func roundTrip(conn net.Conn, reader *bufio.Reader, request string) (int, error) {
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err
	}
	statusLine, err := reader.Peek(len("HTTP/1.1 200"))
	if err != nil {
		return 0, err
	}
	status, err := strconv.Atoi(string(statusLine[len("HTTP/1.1 "):]))
	if err != nil {
		return 0, err
	}
	length, err := readHead(reader)
	if err != nil {
		return 0, err
	}
	_, err = reader.Discard(length)
	return status, err
}

// check fails when more than one call in 1,000 had another status than 200, or there were none.
func (s samples) check() error {
	bad := len(s.calls) - len(s.sorted(http.StatusOK)) + s.errors
	if len(s.calls) == 0 || bad > len(s.calls)/1000 {
		return fmt.Errorf("%d of %d calls failed", bad, len(s.calls))
	}
	return nil
}

// rate is calls per second.
func (s samples) rate() float64 { return float64(len(s.calls)) / s.elapsed.Seconds() }

// sorted are the durations of the calls with the given status, all calls for 0, shortest first.
func (s samples) sorted(status int) []time.Duration {
	d := make([]time.Duration, 0, len(s.calls))
	for _, c := range s.calls {
		if status == 0 || c.status == status {
			d = append(d, c.took)
		}
	}
	slices.Sort(d)
	return d
}

// quantile of sorted durations, by the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// median of any values.
func median(values []float64) float64 {
	v := slices.Clone(values)
	slices.Sort(v)
	return v[len(v)/2]
}
