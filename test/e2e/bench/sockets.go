package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"hedgerow/test/e2e/bench/instrument"
	"hedgerow/test/e2e/veth"
)

// sockets measures P10 on the loopback interface and across a veth pair, whose other end has a network stack of its own.
func sockets(p *programs) (table, error) {
	pair, err := veth.New("hedgerowbench", "198.18.37.1", "198.18.37.2") // addresses for benchmarks (RFC 2544)
	if err != nil {
		return table{}, err
	}
	defer pair.Remove()
	paths := []struct {
		name string
		host *veth.Pair
	}{{"loopback", nil}, {"veth pair", pair}}
	rows := make([][]string, len(paths))
	met := make([]bool, len(paths))
	errs := make([]error, len(paths))
	var running sync.WaitGroup
	for i, path := range paths {
		running.Go(func() {
			rows[i], met[i], errs[i] = socketsTowards(p, path.host)
			rows[i] = append([]string{path.name}, rows[i]...)
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return table{}, err
		}
	}
	header := []string{"path", "calls", "200", "neither 200 nor 504", "attempts failed", "sockets towards the upstream, at most", "FIN_WAIT and TIME_WAIT, at most"}
	return table{header, rows, met[0] && met[1]}, nil
}

// socketsTowards calls first at 300/s for a minute. Every third request is answered. The others are neither answered nor closed.
// When calls overlap, none of a call's three requests may be answered. Such a call ends with 504.
func socketsTowards(p *programs, host *veth.Pair) (row []string, met bool, err error) {
	listener, err := host.Listen()
	if err != nil {
		return nil, false, err
	}
	addr := listener.Addr().String()
	answer := instrument.AnswerAfter(time.Millisecond)
	up, err := instrument.ServeUpstream(listener, func(n int64) instrument.Reply {
		if n%3 != 0 {
			return instrument.Never(n)
		}
		return answer(n)
	})
	if err != nil {
		return nil, false, err
	}
	defer up.Stop()
	ours, err := p.hedgerow(up.URL())
	if err != nil {
		return nil, false, err
	}
	defer ours.stop()
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: "http://" + ours.addr + "/api/first?timeout=1000"})
	attacker := vegeta.NewAttacker(vegeta.KeepAlive(true))
	statuses, most := map[uint16]int{}, socketCount{}
	n := 0
	for r := range attacker.Attack(target, vegeta.Rate{Freq: 300, Per: time.Second}, time.Minute, "P10") {
		statuses[r.Code]++
		if n++; n%150 == 0 {
			now, err := countSockets(addr)
			if err != nil {
				return nil, false, err
			}
			most = socketCount{max(most.all, now.all), max(most.waiting, now.waiting)}
		}
	}
	bad := n - statuses[http.StatusOK] - statuses[http.StatusGatewayTimeout]
	failed, err := ours.metric("hedgerow_attempt_failures_total")
	row = []string{fmt.Sprint(n), fmt.Sprint(statuses[http.StatusOK]), fmt.Sprint(bad), fmt.Sprint(failed), fmt.Sprint(most.all), fmt.Sprintf("**%d**", most.waiting)}
	return row, bad == 0 && failed == 0 && most.waiting <= 1000, err
}

// socketCount is a number of sockets: all of them, and those in FIN_WAIT1, FIN_WAIT2 and TIME_WAIT.
type socketCount struct{ all, waiting int }

// countSockets counts this network namespace's sockets whose other side is addr.
func countSockets(addr string) (socketCount, error) {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return socketCount{}, err
	}
	_, port, _ := strings.Cut(addr, ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		return socketCount{}, err
	}
	remote := fmt.Sprintf(":%04X", number)
	var count socketCount
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // sl local remote state
		if len(f) <= 3 || !strings.HasSuffix(f[2], remote) {
			continue
		}
		count.all++
		if f[3] == "04" || f[3] == "05" || f[3] == "06" {
			count.waiting++
		}
	}
	return count, nil
}
