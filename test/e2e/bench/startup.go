package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"hedgerow/test/e2e/bench/instrument"
)

// startUp measures a start, a service that nobody calls, the image and a health check.
func startUp(p *programs) (table, error) {
	start, resident, err := starts(p)
	if err != nil {
		return table{}, err
	}
	size, err := imageSize(p)
	if err != nil {
		return table{}, err
	}
	check, err := inFrontOf(p, instrument.Never, func(_ *instrument.Upstream, ours *process) (float64, error) { return healthcheck(p, ours) })
	mib, mb := float64(resident)/(1<<20), float64(size)/1e6
	return table{
		[]string{"start to first answer, median of 5", "idle memory", "binaries and certificates, without the base image", "processor time of the image's health check, median of 20"},
		[][]string{{
			fmt.Sprintf("**%.0f ms**", start), fmt.Sprintf("**%.1f MiB**", mib), fmt.Sprintf("**%.1f MB**", mb), fmt.Sprintf("**%.0f ms**", check),
		}},
		start <= 80 && mib <= 22 && mb <= 40 && check <= 20,
	}, err
}

// starts measures the time from exec to the first answer in ms, and the memory of a service that nobody calls.
func starts(p *programs) (first float64, resident int64, err error) {
	times := make([]float64, 0, 5)
	for range 5 {
		addr := freeAddr()
		command := exec.Command(filepath.Join(p.folder, "hedgerow"), "--addr="+addr, "--admin-addr=", "--log-level=error")
		began := time.Now()
		if err := command.Start(); err != nil {
			return 0, 0, err
		}
		ours := &process{Cmd: command, addr: addr}
		for {
			if status, err := get("http://" + addr + "/livez"); err == nil && status == http.StatusOK {
				break
			}
			if time.Since(began) > 10*time.Second {
				return 0, 0, fmt.Errorf("no answer from %s", addr)
			}
			time.Sleep(time.Millisecond)
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
		time.Sleep(500 * time.Millisecond)
		if resident, err = ours.residentBytes(); err != nil {
			return 0, 0, err
		}
		ours.stop()
	}
	return median(times), resident, nil
}

// imageSize is what the Dockerfile copies into the base image, in bytes.
func imageSize(p *programs) (total int64, err error) {
	for _, file := range []string{filepath.Join(p.folder, "hedgerow"), filepath.Join(p.folder, "healthcheck"), "/etc/ssl/certs/ca-certificates.crt"} {
		info, err := os.Stat(file)
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}

// healthcheck is the processor time in ms, of the kernel too, that a health check takes from its start to its end.
func healthcheck(p *programs, ours *process) (float64, error) {
	times := make([]float64, 0, 20)
	for range 20 {
		command := exec.Command(filepath.Join(p.folder, "healthcheck"), ours.admin)
		if output, err := command.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%s: %w: %s", command, err, output)
		}
		times = append(times, ms(command.ProcessState.UserTime()+command.ProcessState.SystemTime()))
	}
	return median(times), nil
}
