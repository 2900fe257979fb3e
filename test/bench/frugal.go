package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// memory is what the resident set grows by for each concurrent all call.
func memory(p *programs) (table, error) {
	const calls = 2000
	up, err := startUpstream(answerAfter(20 * time.Second))
	if err != nil {
		return table{}, err
	}
	defer up.stop()
	ours, err := p.hedgerow(up.url())
	if err != nil {
		return table{}, err
	}
	defer ours.stop()
	if _, err := get("http://" + ours.addr + "/livez"); err != nil {
		return table{}, err
	}
	idle, err := ours.residentBytes()
	if err != nil {
		return table{}, err
	}
	var load sync.WaitGroup
	load.Go(func() { closedLoop(ours.addr, "/api/all?timeout=8000", calls, 0, time.Second) })
	for range 100 {
		if inFlight, err := ours.metric("hedgerow_attempts_in_flight"); err == nil && inFlight >= 3*calls {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(time.Second)
	busy, err := ours.residentBytes()
	if err != nil {
		return table{}, err
	}
	inFlight, err := ours.metric("hedgerow_attempts_in_flight")
	load.Wait()
	if err == nil && inFlight < 3*calls {
		err = fmt.Errorf("%v attempts in flight instead of %d", inFlight, 3*calls)
	}
	perCall := float64(busy-idle) / calls / 1000
	return table{[]string{"idle", fmt.Sprintf("%d calls", calls), "per call"}, [][]string{{
		fmt.Sprintf("%.1f MB", float64(idle)/1e6), fmt.Sprintf("%.1f MB", float64(busy)/1e6), fmt.Sprintf("**%.0f KB**", perCall),
	}}, perCall <= 110}, err
}

// connections counts what the upstream sees being dialled.
func connections(p *programs) (table, error) {
	result := table{header: []string{"load", "calls", "new connections", "per call"}, met: true}
	for _, load := range []struct {
		name, path string
		answer     behaviour
		drive      func(addr, path string) int
		most       func(calls int) float64
	}{
		{"`all`, one after another", "/api/all?timeout=1000", answerAfter(time.Millisecond), inTurn, func(int) float64 { return 3 }},
		{"`first`, 50 connections, answers after 1 to 200 ms", "/api/first?timeout=1000", staggered, concurrently,
			func(calls int) float64 { return 0.05 * float64(calls) }},
	} {
		up, err := startUpstream(load.answer)
		if err != nil {
			return table{}, err
		}
		ours, err := p.hedgerow(up.url())
		if err != nil {
			up.stop()
			return table{}, err
		}
		calls := load.drive(ours.addr, load.path)
		dialled := float64(up.dialled.Load())
		ours.stop()
		up.stop()
		result.met = result.met && dialled <= load.most(calls)
		result.rows = append(result.rows, []string{
			load.name, fmt.Sprint(calls), fmt.Sprintf("**%.0f**", dialled), fmt.Sprintf("%.4f", dialled/float64(calls)),
		})
	}
	return result, nil
}

func inTurn(addr, path string) int {
	const calls = 1000
	for range calls {
		_, _ = get("http://" + addr + path)
	}
	return calls
}

func concurrently(addr, path string) int {
	s := closedLoop(addr, path, 50, 0, 10*time.Second)
	return len(s.calls)
}

// staggered answers within the losers' grace: the requests in turn after 1, 50, 100, 150 and 200 ms.
func staggered(n int64, conn net.Conn) bool {
	return answerAfter(time.Duration([]int64{1, 50, 100, 150, 200}[n%5])*time.Millisecond)(n, conn)
}

// sockets calls first at 300/s for a minute. Every third request is answered; the others are neither answered nor closed.
func sockets(p *programs) (table, error) {
	up, err := startUpstream(func(n int64, conn net.Conn) bool {
		return n%3 == 0 && answerAfter(time.Millisecond)(n, conn)
	})
	if err != nil {
		return table{}, err
	}
	defer up.stop()
	ours, err := p.hedgerow(up.url())
	if err != nil {
		return table{}, err
	}
	defer ours.stop()
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: "http://" + ours.addr + "/api/first?timeout=1000"})
	attacker := vegeta.NewAttacker(vegeta.KeepAlive(true))
	statuses, most := map[uint16]int{}, 0
	n := 0
	for r := range attacker.Attack(target, vegeta.Rate{Freq: 300, Per: time.Second}, time.Minute, "P10") {
		statuses[r.Code]++
		if n++; n%300 == 0 {
			waiting, err := waitingSockets(up.listener.Addr().String())
			if err != nil {
				return table{}, err
			}
			most = max(most, waiting)
		}
	}
	bad := n - statuses[http.StatusOK]
	return table{[]string{"calls", "not 200", "FIN_WAIT and TIME_WAIT towards the upstream, at most"}, [][]string{{
		fmt.Sprint(n), fmt.Sprint(bad), fmt.Sprintf("**%d**", most),
	}}, bad == 0 && most <= 1000}, nil
}

// waitingSockets counts the sockets in FIN_WAIT1, FIN_WAIT2 and TIME_WAIT whose other side is addr.
func waitingSockets(addr string) (int, error) {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, err
	}
	_, port, _ := strings.Cut(addr, ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		return 0, err
	}
	remote := fmt.Sprintf(":%04X", number)
	n := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // sl local remote state
		if len(f) > 3 && strings.HasSuffix(f[2], remote) && (f[3] == "04" || f[3] == "05" || f[3] == "06") {
			n++
		}
	}
	return n, nil
}

// startUp measures the time from exec to the first answer, and the memory of a service that nobody calls.
func startUp(p *programs) (table, error) {
	times := make([]float64, 0, 5)
	var resident int64
	for range 5 {
		addr := freeAddr()
		command := exec.Command(filepath.Join(p.folder, "hedgerow"), "--addr="+addr, "--admin-addr=", "--log-level=error")
		began := time.Now()
		if err := command.Start(); err != nil {
			return table{}, err
		}
		ours := &process{Cmd: command, addr: addr}
		for {
			if status, err := get("http://" + addr + "/livez"); err == nil && status == http.StatusOK {
				break
			}
			if time.Since(began) > 10*time.Second {
				return table{}, fmt.Errorf("no answer from %s", addr)
			}
			time.Sleep(time.Millisecond)
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
		time.Sleep(500 * time.Millisecond)
		var err error
		if resident, err = ours.residentBytes(); err != nil {
			return table{}, err
		}
		ours.stop()
	}
	first := median(times)
	mib := float64(resident) / (1 << 20)
	return table{[]string{"start to first answer, median of 5", "idle memory"}, [][]string{{
		fmt.Sprintf("**%.0f ms**", first), fmt.Sprintf("**%.1f MiB**", mib),
	}}, first <= 200 && mib <= 40}, nil
}
