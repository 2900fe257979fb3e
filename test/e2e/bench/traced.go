package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"

	"hedgerow/test/e2e/bench/instrument"
)

// tracedRounds are more than elsewhere: what is looked for is a few per cent.
const tracedRounds = 7

// shares are the sampled shares that are compared with no traces. The first is the target's, the other one is for the record.
var shares = []string{"0.01", "1"}

// traced compares services that trace calls with one that does not, in turns, in front of the same upstream and collector.
func traced(p *programs) (table, error) {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	return inFrontOf(p, instrument.AnswerAfter(0), func(up *instrument.Upstream, off *process) (table, error) {
		services := []*process{off}
		for _, share := range shares {
			on, err := p.hedgerow(up.URL(), "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL,
				"OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG="+share)
			if err != nil {
				return table{}, err
			}
			defer on.stop()
			services = append(services, on)
		}
		return compareTraced(services)
	})
}

// compareTraced compares the calls/s of services with those of the first.
func compareTraced(services []*process) (table, error) {
	result := table{header: []string{"round", "off: calls/s, µs per call", "1 % sampled", "ratio", "all sampled", "ratio"}}
	ratios := make([][]float64, len(shares))
	warm := warmUp
	for round := range tracedRounds {
		row := []string{strconv.Itoa(round + 1)}
		var off costOf
		for i, service := range services {
			c, err := measureCost(service, "/api/first?timeout=10000", warm)
			if err != nil {
				return table{}, err
			}
			row = append(row, fmt.Sprintf("%.0f, %.0f", c.rate, c.cpu))
			if i == 0 {
				off = c
				continue
			}
			ratios[i-1] = append(ratios[i-1], c.rate/off.rate)
			row = append(row, fmt.Sprintf("%.3f", c.rate/off.rate))
		}
		result.rows = append(result.rows, row)
		warm = 0
	}
	result.rows = append(result.rows, []string{"median", "", "", fmt.Sprintf("**%.3f**", median(ratios[0])), "", fmt.Sprintf("%.3f", median(ratios[1]))})
	result.met = median(ratios[0]) >= 0.97
	return result, nil
}
