package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

// drawCurves measures one request, smart and first on the default testing server and draws their latency curves.
func drawCurves(p *programs) (table, error) {
	up, err := p.testingServer("--seed=1")
	if err != nil {
		return table{}, err
	}
	defer up.stop()
	ours, err := p.hedgerow(up.workURL())
	if err != nil {
		return table{}, err
	}
	defer ours.stop()
	result := table{header: []string{"", "calls", "answered well", "p50", "p90", "p99"}, met: true}
	var lines []line
	for _, c := range []struct{ name, colour, addr, path string }{
		{"one request", "#9aa4ae", up.addr, "/api/work"},
		{"smart", "#1a7f37", ours.addr, "/api/smart?timeout=2000"},
		{"first", "#0969da", ours.addr, "/api/first?timeout=2000"},
	} {
		s := closedLoop(c.addr, c.path, 100, time.Second, 6*time.Second)
		sorted := s.sorted(http.StatusOK)
		lines = append(lines, line{name: c.name, colour: c.colour, points: answeredBy(sorted, len(s.calls))})
		result.rows = append(result.rows, []string{
			c.name, fmt.Sprint(len(s.calls)), fmt.Sprintf("%.2f %%", 100*float64(len(sorted))/float64(len(s.calls))),
			milliseconds(quantile(sorted, 0.5)), milliseconds(quantile(sorted, 0.9)), milliseconds(quantile(sorted, 0.99)),
		})
	}
	picture := drawing("Share of calls answered well, by time", panel{
		title: "answered well, of all calls",
		xMax:  curveEnd, xTicks: 200, xFormat: "%.0f ms", yMax: 100, yTicks: 25, yFormat: "%.0f %%",
		lines: lines, legendX: plotLeft + 560, legendY: plotTop + 200,
	})
	return result, os.WriteFile("../../images/latency.svg", []byte(picture), 0o644)
}

const curveEnd = 1000 // ms

// answeredBy is the percentage of calls answered well by a time in ms, one point every 5 ms.
func answeredBy(sorted []time.Duration, calls int) [][2]float64 {
	var points [][2]float64
	i := 0
	for t := 0; t <= curveEnd; t += 5 {
		for i < len(sorted) && sorted[i] <= time.Duration(t)*time.Millisecond {
			i++
		}
		points = append(points, [2]float64{float64(t), 100 * float64(i) / float64(calls)})
	}
	return points
}
